"""Renders templates with Jinja2, for comparison: `jinja_reference.py CORPUS OUTPUT SEED COUNT`.

CORPUS is a directory: `contexts.json` (variables by name), `shared/` (templates that others include, import and extend) and `*.txt` (cases, parted
by lines of `====`; a first line `#! strict escape trim lstrip keep context=NAME` sets options). COUNT more templates are made by chance from SEED.
OUTPUT becomes a JSON text: contexts, shared templates and, for each case, the template, its options and Jinja2's output or error.
"""
import copy
import json
import pathlib
import random
import resource
import sys
import warnings

import jinja2

from template_generator import Generator  # beside this file

warnings.simplefilter("ignore")
OPTIONS = ("strict", "escape", "trim", "lstrip", "keep")


def environment(options: dict, shared: dict) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.DictLoader(shared),
        undefined=jinja2.StrictUndefined if options["strict"] else jinja2.Undefined,
        autoescape=options["escape"],
        trim_blocks=options["trim"],
        lstrip_blocks=options["lstrip"],
        keep_trailing_newline=options["keep"],
    )


def render(case: dict, contexts: dict, shared: dict, environments: dict) -> dict:
    key = tuple(case[option] for option in OPTIONS)
    if key not in environments:
        environments[key] = environment(case, shared)
    try:
        return {"output": environments[key].from_string(case["template"]).render(copy.deepcopy(contexts[case["context"]]))}
    except Exception as error:  # noqa: BLE001 - whatever Jinja2 raises is its answer
        return {"error": f"{type(error).__name__}: {error}"}


def corpus_cases(directory: pathlib.Path) -> list:
    cases = []
    for path in sorted(directory.glob("*.txt")):
        for number, text in enumerate(path.read_text(encoding="utf-8").split("\n====\n")):
            words = []
            if text.startswith("#!"):
                first, _, text = text.partition("\n")
                words = first[2:].split()
            case = {"id": f"{path.name}:{number + 1}", "template": text, "context": "main"}
            for option in OPTIONS:
                case[option] = option in words
            for word in words:
                if word.startswith("context="):
                    case["context"] = word[8:]
            cases.append(case)
            if not words:
                # What asks for nothing is rendered in other ways, too.
                cases.append(case | {"id": case["id"] + " strict", "strict": True})
                cases.append(case | {"id": case["id"] + " escape", "escape": True, "context": "odd"})
    return cases


def generated_cases(seed: int, count: int, contexts: dict) -> list:
    cases = []
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        case = {"id": f"seed {seed}/{number}", "template": Generator(chance).template(), "context": chance.choice(sorted(contexts))}
        for option in OPTIONS:
            case[option] = chance.random() < 0.25
        cases.append(case)
    return cases


# A text of gigabytes is an error here as it is there.
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
corpus = pathlib.Path(sys.argv[1])
contexts = json.loads((corpus / "contexts.json").read_text(encoding="utf-8"))
# As ours: members in the order of their names.
contexts = json.loads(json.dumps(contexts, sort_keys=True))
shared = {str(path.relative_to(corpus / "shared")): path.read_text(encoding="utf-8") for path in (corpus / "shared").rglob("*.j2")}
cases = corpus_cases(corpus) + generated_cases(int(sys.argv[3]), int(sys.argv[4]), contexts)
environments: dict = {}
for case in cases:
    case.update(render(case, contexts, shared, environments))
pathlib.Path(sys.argv[2]).write_text(json.dumps({"contexts": contexts, "shared": shared, "cases": cases}), encoding="utf-8")
