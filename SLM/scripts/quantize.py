"Same as the command slm_quantize; kept for projects that call this path"
from slm_nb.cli import slm_quantize

if __name__ == "__main__": slm_quantize()
