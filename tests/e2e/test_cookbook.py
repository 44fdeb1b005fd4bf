"""The recipes of `moonkey help cookbook`: every file and command in them, against an emulator; what they say comes out."""
import glob
import os
import socket

from documents import DocumentCase, blocks
from harness import ROOT, main

DIRECTORY = os.path.join(ROOT, "lua", "moonkey", "help", "cookbook")
PORT = "6380"  # of recipes; that of a test is a free one
RECIPES = sorted(os.path.basename(path)[:-3] for path in glob.glob(os.path.join(DIRECTORY, "*.md")))


class Cookbook(DocumentCase):
    def recipe(self, name):
        with open(os.path.join(DIRECTORY, name + ".md"), encoding="utf-8") as f:
            return f.read()

    def follow(self, name):
        emulator = self.emulator("--seed", "100")
        self.password_manager(emulator.credential)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.run_document(self.recipe(name).replace(PORT, str(port)), emulator.env)

    def test_there_are_ten_and_help_shows_them(self):
        self.assertGreaterEqual(len(RECIPES), 10)
        listed = self.run_moonkey("help", "cookbook").out
        for name in RECIPES:
            self.assertRegex(listed, rf"(?m)^ +{name} ")
            done = self.run_moonkey("help", "cookbook", name)
            self.assertEqual((done.code, done.err), (0, ""))
            for block in blocks(self.recipe(name)):
                self.assertIn(block.lines[0], done.out)
        done = self.run_moonkey("help", "cookbook", "udno")
        self.assertEqual(done.code, 2)
        self.assertIn("did you mean 'undo'?", done.err)

    def test_blocks_are_not_left_out(self):
        for text in ("```lua\nprint(1)\n```\n", "```\nx\n```\n", "```text\nx\n```\n"):
            with self.assertRaises(AssertionError):
                self.run_document(text, {})
        for text in ("```sh\nfalse\n```\n", "```sh\necho a b\n```\n```text\nb\na\n```\n"):
            with self.assertRaises(AssertionError):
                self.run_document(text, {})
        self.run_document("```sh\nsh -c 'echo a; exit 3'   # exit 3\n```\n```text\n…\na\n```\n", {})


for recipe in RECIPES:
    setattr(Cookbook, f"test_{recipe}", lambda self, name=recipe: self.follow(name))

main()
