"Same as the command slm_evaluate; kept for projects that call this path"
from slm_nb.cli import slm_evaluate

if __name__ == "__main__": slm_evaluate()
