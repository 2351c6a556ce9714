import numpy as np

class RNN:
    def __init__(self, n_i, n_h, n_o):
        self.U = np.random.randn(n_h, n_i)*0.01
        self.W = np.random.randn(n_h, n_h)*0.01
        self.V = np.random.randn(n_o, n_h)*0.01
        self.b = np.zeros((n_h,1))
        self.c = np.zeros((n_o,1))

    def forward(self, x):
        self.x = x
        self.s = {-1: np.zeros((self.W.shape[0],1))}
        for t in range(len(x)):
            self.s[t] = np.tanh(self.U.dot(x[t]) + self.W.dot(self.s[t-1]) + self.b)
        self.T = len(x)
        return self.V.dot(self.s[self.T-1]) + self.c

    def backward(self, dL):
        dU, dW, db = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.b)
        dV = dL.dot(self.s[self.T-1].T)
        dc = dL
        ds_next = np.zeros_like(self.b)
        for t in range(self.T-1, -1, -1):
            ds = self.V.T.dot(dL) + ds_next
            dz = ds * (1 - np.tanh(self.s[t])**2)
            dU += dz.dot(self.x[t].T)
            dW += dz.dot(self.s[t].T)
            db += dz
            ds_next = self.W.dot(dz)
        db = db + db
        return dU, dW, dV, db, dc
