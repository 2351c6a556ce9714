import numpy as np


class Memoria:
    """Puertas: entrada, olvido, salida, candidata; una muestra, vectores."""

    def __init__(self, entradas, ocultas):
        self.n = ocultas
        for puerta in ("i", "f", "o", "g"):
            setattr(self, "U" + puerta, np.random.randn(ocultas, entradas) * 0.2)
            setattr(self, "V" + puerta, np.random.randn(ocultas, ocultas) * 0.2)
            setattr(self, "b" + puerta, np.zeros(ocultas))

    def sigmoide(self, a):
        return 1.0 / (1.0 + np.exp(-a))

    def forward(self, secuencia):
        h, c = np.zeros(self.n), np.zeros(self.n)
        self.diario = []
        estados = []
        for x in secuencia:
            i = self.sigmoide(self.Ui @ x + self.Vi @ h + self.bi)
            f = self.sigmoide(self.Uf @ x + self.Vf @ h + self.bf)
            o = self.sigmoide(self.Uo @ x + self.Vo @ h + self.bo)
            g = np.tanh(self.Ug @ x + self.Vg @ h + self.bg)
            nueva = f * c + i * g
            self.diario.append(dict(x=x, h=h, c=c, i=i, f=f, o=o, g=g, tc=np.tanh(nueva)))
            c = nueva
            h = o * np.tanh(c)
            estados.append(h)
        return np.array(estados)

    def backward(self, dH):
        grad = {letra + puerta: np.zeros_like(getattr(self, letra + puerta)) for letra in "UVb" for puerta in "ifog"}
        dh_sig, dc_sig = np.zeros(self.n), np.zeros(self.n)
        for t in range(len(dH) - 1, -1, -1):
            p = self.diario[t]
            dh = dH[t] + dh_sig
            do = dh * p["tc"] * p["o"] * (1 - p["o"])
            dc = dc_sig + dh * p["o"] * (1 - p["tc"] ** 2)
            di = dc * p["g"] * p["i"] * (1 - p["i"])
            df = dc * p["c"] * p["f"]
            dg = dc * p["i"] * (1 - p["g"] ** 2)
            dh_sig = np.zeros(self.n)
            for puerta, d in (("i", di), ("f", df), ("o", do), ("g", dg)):
                grad["U" + puerta] += np.outer(d, p["x"])
                grad["V" + puerta] += np.outer(d, p["h"])
                grad["b" + puerta] += d
                dh_sig += getattr(self, "V" + puerta).T @ d
            dc_sig = dc * p["f"]
        return grad
