"""`--engine` with a command line: the real llama-server in what plays a container (tests/fakes/container_client.py)."""

import contextlib
import json
import socket
import subprocess
import threading

from harness import FAST, LLAMA_PROGRAMS, NO_DEVICES, SOURCE, TINY, SystemTest, main

SERVER = LLAMA_PROGRAMS / "llama-server"


class Container(SystemTest):
    def setUp(self):
        super().setUp()
        if not SERVER.exists():
            self.skipTest("there is no llama-server beside the llama.cpp that was built against")

    def test_a_profile(self):
        model = self.synth("tiny.gguf", *TINY)
        with Containers(self.folder / "containers", self.environment(NO_DEVICES)) as containers:
            client = SOURCE / "tests/fakes/container_client.py"
            engine = f"{client} run --rm --name {{name}} -v {{model_dir}}:{{model_dir}} image"
            env = {**NO_DEVICES, "CONTAINER_SOCKET": containers.path}
            # A path that holds where sweetspot was started holds nowhere else.
            done = self.run_sweetspot("profile", model.name, *FAST, "--json", "--engine", engine, env=env)
            run = json.loads(done.stdout or "{}")
            self.assertEqual([trial["error"] for trial in run.get("results", [{"error": done.stderr}])
                              if trial["error"]], [])
            self.assertEqual(run["engine"]["program"], engine)
            self.assertEqual(containers.running(), [], "killing the client does not end the server")
            names = [name for name, arguments in containers.started if "--model" in arguments]
            self.assertEqual(len(names), len(set(names)), "a container may keep its name for a while")
            shown = self.run_sweetspot("choose", model, "--engine", engine, env=env)
            self.assertIn(f"-v {self.folder}:{self.folder} image", shown.stdout.replace(" \\\n   ", ""))


class Containers:
    """The daemon of a container engine: who starts the servers, and whose children they are."""

    def __init__(self, path, environment):
        self.path = str(path)
        self.environment = environment
        self.started = []  # (name, arguments)
        self._processes = []
        self._socket = socket.socket(socket.AF_UNIX)

    def __enter__(self):
        self._socket.bind(self.path)
        self._socket.listen()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()
        for process in self._processes:
            process.kill()
            process.wait()

    def running(self):
        return [process.args for process in self._processes if process.poll() is None]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client, client.makefile("rb") as reader:
            request = json.loads(reader.readline())
            if not all(path.startswith("/") for mount in request["mounts"] for path in mount):
                client.sendall(b"oa mount needs whole paths\nx125\n")
                return
            self.started.append((request["name"], request["arguments"]))
            process = subprocess.Popen([str(SERVER), *request["arguments"]], cwd="/", env=self.environment,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self._processes.append(process)
            threading.Thread(target=self._obey, args=(reader, process), daemon=True).start()
            with process.stdout:
                for line in process.stdout:
                    with contextlib.suppress(OSError):  # it runs on where nobody listens
                        client.sendall(b"o" + line)
            client.sendall(b"x%d\n" % process.wait())

    @staticmethod
    def _obey(reader, process):
        with contextlib.suppress(OSError, ValueError):  # closed when the server has ended
            for line in reader:
                if line == b"stop\n":
                    process.terminate()


if __name__ == "__main__":
    main()
