"Same as the command slm_export; kept for projects that call this path"
from slm_nb.cli import slm_export

if __name__ == "__main__": slm_export()
