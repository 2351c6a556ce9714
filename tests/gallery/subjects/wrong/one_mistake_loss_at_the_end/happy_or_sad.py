'''
tiny sentiment classifier: reads a sentence word by word, says happy or sad.
'''
import numpy as np
from numpy.random import randn

train_data = {
    'good': True, 'bad': False, 'very good': True, 'not good': False, 'not bad': True,
    'i am happy': True, 'i am not happy': False, 'this is sad': False,
    'this is not sad': True, 'i am very happy right now': True, 'this was bad earlier': False,
    'i was not sad earlier': True, 'this is very very bad': False,
}
words = sorted({w for s in train_data for w in s.split()})
word_id = {w: i for i, w in enumerate(words)}


def encode(sentence):
    '''list of one-hot columns'''
    cols = []
    for w in sentence.split():
        v = np.zeros((len(words), 1))
        v[word_id[w]] = 1
        cols.append(v)
    return cols


class SentimentRNN:
    def __init__(self, input_size, output_size, hidden_size=32):
        self.Wxh = randn(hidden_size, input_size) / 10
        self.Whh = randn(hidden_size, hidden_size) / 10
        self.Why = randn(output_size, hidden_size) / 10
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, inputs):
        h = np.zeros((self.Whh.shape[0], 1))
        self.seen = inputs
        self.states = [h]
        for x in inputs:
            h = np.tanh(self.Wxh @ x + self.Whh @ h + self.bh)
            self.states.append(h)
        return self.Why @ h + self.by

    def backprop(self, d_logits, learn_rate=0.02):
        '''d_logits = dL/d(logits), column. walks back through the sentence and learns as it goes'''
        d_Why = d_logits @ self.states[-1].T
        dh = self.Why.T @ d_logits

        for t in range(len(self.seen) - 1, -1, -1):
            dz = (1 - self.states[t + 1] ** 2) * dh
            self.bh -= learn_rate * dz
            self.Whh -= learn_rate * dz @ self.states[t].T
            self.Wxh -= learn_rate * dz @ self.seen[t].T
            # next one
            dh = self.Whh.T @ dz

        self.Why -= learn_rate * d_Why
        self.by -= learn_rate * d_logits


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


def epoch(net, data, learn=True):
    loss, right = 0, 0
    items = list(data.items())
    np.random.shuffle(items)
    for s, label in items:
        k = int(label)
        p = softmax(net.forward(encode(s)))
        loss -= np.log(p[k, 0])
        right += int(p.argmax() == k)
        if learn:
            d = p.copy()
            d[k] -= 1
            net.backprop(d)
    return loss / len(items), right / len(items)


if __name__ == '__main__':
    net = SentimentRNN(len(words), 2)
    for e in range(600):
        l, acc = epoch(net, train_data)
        if e % 100 == 99:
            print('epoch', e + 1, 'loss %.3f acc %.2f' % (l, acc))
