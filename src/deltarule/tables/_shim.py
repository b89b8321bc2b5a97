import sys; sys.path.insert(0,"/tmp/proto")
import numpy as np
import deltarule as dr
from deltarule.schedules import Schedule
class CyclicCosine(Schedule):
    name="coslog"; needs_horizon=True
    def __init__(self,total_epochs=None): object.__setattr__(self,'total_epochs',total_epochs)
    def factors(self, clock, count):
        t=clock.progress(count,"coslog")
        return 0.5*(1-np.cos(2*np.pi*np.log2(1+15*t)))
def act(name,z):
    if name=="mish": return z*np.tanh(np.logaddexp(0,z))
    if name=="selu": return 1.0507*np.where(z>0,z,1.67326*np.expm1(np.minimum(z,0)))
    if name=="identity": return z
def initialize_by_data(net, X, seed):
    rng=np.random.default_rng(seed); P=dr.initialize(net,0,dtype=np.float32); v=P.vector.copy()
    A=X[rng.permutation(len(X))[:1024]].astype(np.float64)
    last=len(net.layers)-1
    for l,layer in enumerate(net.layers):
        s={x.block.name:x for x in net.slots(l)}
        if layer.name!="dense": continue
        if l==last:
            for x in s.values(): v[x.start:x.stop]=0
            break
        W=rng.normal(size=(layer.inputs,layer.units)); Z=A@W; sd=Z.std(0); W/=np.where(sd>1e-9,sd,1); Z=A@W
        m=rng.exponential(size=(5,layer.units)); m/=m.sum(0); idx=rng.integers(len(A),size=(5,layer.units))
        b=-(m*Z[idx,np.arange(layer.units)]).sum(0)
        v[s["weight"].start:s["weight"].stop]=W.ravel(); v[s["bias"].start:s["bias"].stop]=b
        A=act(layer.activation.name,Z+b)
    return dr.Parameters(net,v.astype(np.float32))
