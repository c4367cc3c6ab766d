"Same as the command slm_train; kept for projects that call this path"
from slm_nb.cli import slm_train

if __name__ == "__main__": slm_train()
