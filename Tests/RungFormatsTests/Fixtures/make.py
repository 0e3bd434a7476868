import matplotlib; matplotlib.use("Agg"); matplotlib.rcParams["svg.fonttype"]="none"; matplotlib.rcParams["svg.hashsalt"]="rung"
import matplotlib.pyplot as plt
fig,ax=plt.subplots(figsize=(1,0.75)); ax.plot([1,2,3],[1,4,9])
for e in ["png","svg","pdf"]: fig.savefig("figure."+e, dpi=72)
from PIL import Image
Image.open("figure.png").convert("L").save("grey.png"); Image.open("figure.png").convert("RGB").quantize(16).save("palette.png")
