"Same as the command slm_generate; kept for projects that call this path"
from slm_nb.cli import slm_generate

if __name__ == "__main__": slm_generate()
