"Same as the command slm_data; kept for projects that call this path"
from slm_nb.cli import slm_data

if __name__ == "__main__": slm_data()
