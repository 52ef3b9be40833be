"""Makes calibration.json: temperatures by scipy, thresholds by scikit-learn.

usage: python make_calibration.py     (pip install numpy scipy scikit-learn)
"""
import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar
rng=np.random.default_rng(3)
z=rng.normal(0,3,60); y=(rng.random(60)<1/(1+np.exp(-z/2))).astype(int)
f=lambda t: np.mean(np.logaddexp(0,z/np.exp(t))-y*z/np.exp(t))
T=float(np.exp(minimize_scalar(f,bounds=(-3,3),method='bounded',options={'xatol':1e-10}).x))
m=rng.normal(0,2,(50,3)); 
p=np.exp(m/1.7); p/=p.sum(1,keepdims=True); c=[int(rng.choice(3,p=q)) for q in p]
def g(t):
  s=m/np.exp(t); s=s-np.log(np.exp(s).sum(1,keepdims=True)); return -s[np.arange(50),c].mean()
TM=float(np.exp(minimize_scalar(g,bounds=(-3,3),method='bounded',options={'xatol':1e-10}).x))
from sklearn.metrics import roc_curve
pr=(1/(1+np.exp(-z))).round(2); fpr,tpr,th=roc_curve(y,pr,drop_intermediate=False)
i=int(np.argmax(tpr-fpr)); j=int(np.argmax(tpr>=.9))
print(T,TM)
json.dump({'logits':z.tolist(),'labels':y.tolist(),'temperature':T,'multi':m.tolist(),'classes':c,'multiTemperature':TM,'probabilities':pr.tolist(),'youden':{'at':float(th[i]),'sensitivity':float(tpr[i]),'specificity':float(1-fpr[i])},'sensitive':{'at':float(th[j]),'sensitivity':float(tpr[j]),'specificity':float(1-fpr[j])}},Path(__file__).with_name('calibration.json').open('w'))
