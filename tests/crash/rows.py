"""The rows of a run, and what has to come of them: the sequential model that a run is held against."""
import copy
import csv
import io
import json

CREDENTIAL = "idt:TKN-9999-0001:" + "CredentialThatMustNeverBeShown42" * 2
OWN = "TKN-9999-0001"
MODULES = ["MOD-1756", "MOD-9042", "MOD-0003"]
COLUMNS = ["id", "name", "description", "icon", "modules"]
GOOD, BAD, UNKNOWN, REFUSED = "good", "bad", "unknown", "refused"


class Row:
    """`number` is its place in the input, from 1. `fields`: as the API stores them. `text`: the line, where it is not a row."""

    def __init__(self, number, kind, token_id, fields, text=None):
        self.number, self.kind, self.id, self.fields, self.text = number, kind, token_id, fields, text

    def as_json(self):
        return self.text or json.dumps({"id": self.id, **self.fields})

    def as_csv(self):
        if self.text:
            return self.text + "\r\n"
        cells = {"id": self.id, **{name: "\\N" if value is None else value for name, value in self.fields.items()}}
        if "modules" in cells:
            cells["modules"] = ";".join(cells["modules"]) or "\\N"
        line = io.StringIO()
        csv.DictWriter(line, COLUMNS).writerow(cells)
        return line.getvalue()


class Rows:
    """`count` rows, some of them wrong, for tokens of which many have several rows. A job's rows all have a name."""

    def __init__(self, count, chance, form, for_job=False):
        self.form, self.chance, self.for_job = form, chance, for_job
        self.tokens = {f"TKN-{1000 + i // 10000}-{i % 10000:04d}": self.token(i) for i in range(count * 3 // 4 + 2)}
        ids = list(self.tokens)
        self.refused, self.fresh = ids[:1 + count // 50], ids[1 + count // 50:]
        self.again = list(self.refused)  # a refused id is that of one row: what follows depends on what did not happen
        self.used = []
        self.rows = [self.row(number) for number in range(1, count + 1)]

    def token(self, i):
        return {"name": f"Token {i}", "description": self.chance.choice([None, "", f"What {i} is for"]), "icon": None,
                "modules": sorted(self.chance.sample(MODULES, self.chance.randint(0, 3)))}

    def row(self, number):
        x = self.chance.random()
        if x < 0.02:
            return Row(number, BAD, None, {}, self.bad(number))
        if x < 0.04:
            return Row(number, UNKNOWN, f"TKN-7777-{number % 10000:04d}", self.fields(number))
        if x < 0.05 and self.again and not self.for_job:
            return Row(number, REFUSED, self.again.pop(), self.fields(number))
        if self.used and (x < 0.45 or not self.fresh):
            recent = self.used[-20:] if x < 0.25 else self.used
            return Row(number, GOOD, self.chance.choice(recent), self.fields(number))
        self.used.append(self.fresh.pop())
        return Row(number, GOOD, self.used[-1], self.fields(number))

    def fields(self, number):
        """The text row-N stands in one of them, so that the server can tell of which row a request is."""
        has_name = self.for_job or self.chance.random() < 0.7
        fields = {"name": f"row-{number} robot"} if has_name else {"description": f"row-{number}, about"}
        if has_name and self.chance.random() < 0.5:
            fields["description"] = self.chance.choice([None, f"Drives {number}"])
        if self.chance.random() < 0.3:
            fields["modules"] = sorted(self.chance.sample(MODULES, self.chance.randint(0, 3)))
        if self.chance.random() < 0.2:
            fields["icon"] = self.chance.choice([None, f"icon-{number}.png"])
        return fields

    def bad(self, number):
        if self.form == "csv":
            return self.chance.choice([f"TKN-1000-0001,row-{number}", ",a name without an id,,,", "TKN-1000-0001,,,,"])
        broken = [f'{{"id":"TKN-1000-0001","name":"row-{number}', "[]"]
        wrong = ['{"id":"TKN-1000-0001","name":5}', '{"id":"TKN-1000-0001","nmae":"x"}', '{"name":"no id"}', '{"id":"TKN-1000-0001"}']
        return self.chance.choice(broken + ([] if self.for_job else wrong))

    def write(self, path):
        with open(path, "w", encoding="utf-8", newline="") as f:
            if self.form == "csv":
                f.write(",".join(COLUMNS) + "\r\n")
                f.writelines(row.as_csv() for row in self.rows)
            else:
                f.writelines(row.as_json() + "\n" for row in self.rows)


class Model:
    """The tokens, as they are when some rows are done one after the other."""

    def __init__(self, tokens):
        self.tokens = copy.deepcopy(tokens)

    def apply(self, row):
        """What it changes: a list of [field, from, to], as a before-image has it."""
        token = self.tokens[row.id]
        changes = [[field, token[field], value] for field, value in sorted(row.fields.items()) if token[field] != value]
        token.update(row.fields)
        return changes
