"""What the tests of extensions share: modules that are written here, and those that scripts/extensions has as examples."""
import os
import shutil

from harness import ROOT, Case

EXAMPLES = os.path.join(ROOT, "scripts", "extensions", "moonkey")


class ExtensionCase(Case):
    def module(self, kind, name, text):
        self.write(f"lua/moonkey/{kind}/{name}.lua", text)

    def example(self, kind, name, to="lua"):
        directory = self.path(f"{to}/moonkey/{kind}")
        os.makedirs(directory, exist_ok=True)
        shutil.copy(os.path.join(EXAMPLES, kind, f"{name}.lua"), directory)
