"""The texts of `moonkey help`, of topics and commands: every block in them is run."""
import glob
import os
import shlex
import signal

from documents import DocumentCase
from harness import ROOT, main

HELP = os.path.join(ROOT, "lua", "moonkey", "help")
TEXTS = sorted(glob.glob(os.path.join(HELP, "topics", "*.md")) + glob.glob(os.path.join(HELP, "commands", "*.md")))


ROWS = "id,name\nTKN-0000-0002,CRM robot\n"
FILES = {
    "tokens.csv": ROWS, "rows.csv": ROWS,
    "their-script.lua": 'print(assert(token.get("TKN-0000-0002")).name)\n',
    "their-job.lua": "return function(row) return token.update(row.id, { name = row.name }) end\n",
}


class Documents(DocumentCase):
    """A password manager has the credential, the files that are named are there, and an emulator is where the API would be."""

    def follow(self, path):
        emulator = self.emulator("--seed", "100")
        self.password_manager(emulator.credential)
        for name, content in FILES.items():
            self.write(name, content)
        with open(path, encoding="utf-8") as f:
            self.run_document(f.read(), {"MPT_API_BASE_URL": emulator.url, "MPT_API_TOKEN_COMMAND": "pass show x"},
                              {"lua": self.script, "jsonl": self.rows, "rql": self.query})

    def run_commands(self, lines, env):
        exported, rest = "", []
        for line in lines:
            if line.startswith("export "):
                exported += line + "; "
            elif line.startswith("moonkey emulator"):
                self.serve(line)
            else:
                rest.append(exported + line)
        return super().run_commands(rest, env)

    def serve(self, line):
        words = shlex.split(line)[2:]
        if "--port" in words:
            words[words.index("--port") + 1] = "0"
        emulator = self.emulator(*words)
        self.assertTrue(emulator.url, line)
        self.assertEqual(emulator.end(signal.SIGTERM).code, 0)

    def script(self, block, env):
        self.write("block.lua", block.text)
        self.run_commands(["moonkey run block.lua"], env)

    def rows(self, block, env):
        self.write("block.jsonl", block.text)
        self.run_commands(["moonkey batch block.jsonl"], env)

    def query(self, block, env):
        self.run_commands([f"moonkey token list --where {shlex.quote(block.text.strip())}"], env)


for text in TEXTS:
    setattr(Documents, "test_" + os.path.basename(text)[:-3].replace("-", "_"), lambda self, path=text: self.follow(path))

main()
