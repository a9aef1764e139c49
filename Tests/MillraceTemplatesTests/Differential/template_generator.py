"""Makes templates by chance: all that the subset has, mostly with values that fit, sometimes with others."""
import random
import re

SIMPLE = re.compile(r"[A-Za-z_][\w.]*|'[^'|]*'|[0-9]+")


class Generator:
    STRINGS = ["", "a", "abc", "Hello World", "hello-big world", "it's", 'say "hi"', "<b>&amp;</b>", "ÄÖ ß", "a,b,c", "x y  z", "line\\nother", "12", "3.5", " pad ", "%s and %d", "{} {}", "日本語", "ΑΣ", "e\\u0301", "true"]
    LOCALS = ["a", "b", "x", "y"]
    ATTRIBUTES = ["name", "age", "city", "tags", "zip", "a", "b", "nope", "title"]
    UNARY_FILTERS = ["upper", "lower", "title", "capitalize", "trim", "length", "count", "tojson", "escape", "e", "safe", "first", "last", "sort", "unique", "list", "int", "float", "string", "abs", "sum", "min", "max", "reverse", "wordcount", "striptags", "urlencode", "items", "round", "default", "dictsort", "join", "forceescape", "center"]
    TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "sequence", "iterable", "even", "odd", "lower", "upper", "true", "false", "escaped", "callable"]
    FORMATS = ["'%s'", "'%5s|'", "'%-5s|'", "'%d'", "'%05d'", "'%+d'", "'%.2f'", "'%8.3f'", "'%x'", "'%r'", "'%e'", "'%g'", "'%s-%s'", "'%%'", "'%(name)s'", "'%#x'", "'%.3s'", "'%c'"]
    BRACES = ["'{}'", "'{:>8}'", "'{:*^9}'", "'{:.2f}'", "'{:,}'", "'{:05d}'", "'{:x}'", "'{:+}'", "'{0} {0}'", "'{1} {0}'", "'{:e}'", "'{:%}'", "'{!r}'", "'{:.3}'", "'{:_}'", "'{{}} {}'", "'{:10}'", "'{:<5}|'", "'{:g}'", "'{0[0]}'", "'{:#x}'", "'{:08.3f}'"]

    def __init__(self, chance: random.Random):
        self.r = chance
        self.locals: list = []
        self.macros: list = []
        self.loops = 0

    def string(self) -> str:
        text = self.r.choice(self.STRINGS)
        if "'" not in text and self.r.random() < 0.5:
            return "'" + text + "'"
        return '"' + text.replace('"', '\\"') + '"'

    def fill(self, pattern: str, depth: int) -> str:
        out = []
        place = 0
        while place < len(pattern):
            if pattern[place] == "{" and place + 2 < len(pattern) and pattern[place + 2] == "}":
                kind = pattern[place + 1]
                out.append(self.hole(kind, depth))
                place += 3
            else:
                out.append(pattern[place])
                place += 1
        return "".join(out)

    def hole(self, kind: str, depth: int) -> str:
        r = self.r
        if r.random() < 0.04:
            return self.expression(depth + 2)
        if kind == "s":
            return self.string()
        if kind == "i":
            return str(r.randint(0, 12))
        if kind == "k":
            return str(r.randint(1, 20))
        if kind == "b":
            return r.choice(["true", "false"])
        if kind == "n":
            return "'" + r.choice(self.ATTRIBUTES) + "'"
        if kind == "f":
            return "'" + r.choice(self.UNARY_FILTERS) + "'"
        if kind == "t":
            return "'" + r.choice(self.TESTS) + "'"
        if kind == "m":
            return r.choice(["'common'", "'ceil'", "'floor'"])
        if kind == "v":
            return r.choice(["'key'", "'value'"])
        return self.expression(depth + 1)

    # Expressions: of a kind that fits nine times of ten, of any kind otherwise.

    def atom(self) -> str:
        r = self.r
        if self.locals and r.random() < 0.3:
            return r.choice(self.locals)
        return r.choice([self.text_atom, self.number_atom, self.list_atom, lambda: r.choice(["true", "false", "none", "flag", "nothing", "user", "nested", "missing"])])()

    def text_atom(self) -> str:
        return self.string() if self.r.random() < 0.5 else self.r.choice(["name", "text", "html", "title"])

    def number_atom(self) -> str:
        r = self.r
        if self.loops and r.random() < 0.3:
            return "loop." + r.choice(["index", "index0", "length", "revindex", "revindex0", "depth"])
        return str(r.choice([0, 1, 2, 3, 7, 10, 42, 100])) if r.random() < 0.5 else r.choice(["1.0", "0.5", "2.5", "3.14159", "1e3", "1e20", "1.5e-7", "0.1", "1e16", "2.675", "count", "price", "zero"])

    def list_atom(self) -> str:
        return self.r.choice(["items", "users", "matrix", "[1, 2, 3]", "[3, 1, 2]", "['b', 'A', 'c']", "range(5)", "text.split()", "user.tags|default([])", "(1, 2)", "[]"])

    def any(self, depth: int) -> str:
        return self.r.choice([self.text_expression, self.text_expression, self.number, self.number, self.sequence, self.boolean, self.mapping])(depth)

    def expression(self, depth: int = 0) -> str:
        if depth > 4:
            return self.atom()
        return self.any(depth + 1) if self.r.random() < 0.95 else self.atom()

    def wrong(self, depth: int) -> bool:
        return depth < 5 and self.r.random() < 0.03

    def group(self, text: str) -> str:
        return text if SIMPLE.fullmatch(text) else "(" + text + ")"

    def text_expression(self, depth: int) -> str:
        r = self.r
        if self.wrong(depth):
            return self.any(depth + 1)
        if depth > 4 or r.random() < 0.25:
            return self.text_atom()
        t = lambda: self.group(self.text_expression(depth + 1))  # noqa: E731
        kind = r.randrange(18)
        if kind < 2:
            return f"{t()} ~ {self.group(self.any(depth + 1))}"
        if kind == 2:
            return f"{t()} + {t()}"
        if kind == 3:
            return f"{t()} * {r.randint(0, 3)}"
        if kind < 8:
            return f"{t()}|{r.choice(['upper', 'lower', 'title', 'capitalize', 'trim', 'escape', 'safe', 'striptags', 'urlencode', 'reverse', 'string', 'forceescape', 'first|default', 'last|default', 'e', 'indent', 'wordwrap(10)'])}"
        if kind < 11:
            return t() + "|" + self.fill(r.choice(["replace({s}, {s})", "replace({s}, {s}, {i})", "indent({i})", "indent({i}, true)", "indent({i}, first={b}, blank={b})", "indent({s})", "truncate({k})", "truncate({k}, true)", "truncate({k}, {b}, '..', {i})", "wordwrap({k})", "wordwrap({k}, {b})", "wordwrap({k}, {b}, {s})", "wordwrap({k}, break_on_hyphens={b})", "center({i})", "trim({s})", "default({s})", "d({s}, true)"]), depth)
        if kind < 14:
            return t() + "." + self.fill(r.choice(["upper()", "lower()", "strip()", "lstrip({s})", "rstrip({s})", "replace({s}, {s})", "replace({s}, {s}, {i})", "title()", "capitalize()", "swapcase()", "zfill({i})", "center({i})", "ljust({i}, '*')", "rjust({i})", "removeprefix({s})", "removesuffix({s})", "casefold()", "partition('a')[0]", "join(['x', 'y'])", "split()|join('/')"]), depth)
        if kind == 14:
            return r.choice([f"{r.choice(self.FORMATS)} % {self.group(self.any(depth + 1))}", f"{r.choice(['%d', '%05d', '%+d', '%.2f', '%8.3f', '%x', '%e', '%g', '%#x', '%i', '% d', '%-8.1f|'])!r} % {self.group(self.number(depth + 1))}", f"'%(name)s %(age)s' % users[0]|default({{}})", f"'%s: %s'|format({self.any(depth + 1)}, {self.any(depth + 1)})"])
        if kind == 15:
            return r.choice([f"{r.choice(self.BRACES)}.format({self.any(depth + 1)}, {self.any(depth + 1)})", f"{r.choice(['{:.2f}', '{:,}', '{:+}', '{:e}', '{:g}', '{:10.2f}|', '{:08.3f}', '{:.3}', '{:%}', '{:_}'])!r}.format({self.number(depth + 1)})"])
        if kind == 16:
            return f"{self.group(self.sequence(depth + 1))}|{self.fill(r.choice(['join({s})', 'join', 'map({f})|join({s})', 'tojson', 'string', 'tojson(indent={i})']), depth)}"
        bound = lambda: r.choice(["", "0", "1", "2", "-1", "-2", "10"])  # noqa: E731
        return f"{t()}[{bound()}:{bound()}{r.choice(['', ':', ':2', ':-1', ':-2'])}]"

    def number(self, depth: int) -> str:
        r = self.r
        if self.wrong(depth):
            return self.any(depth + 1)
        if depth > 4 or r.random() < 0.3:
            return self.number_atom()
        n = lambda: self.group(self.number(depth + 1))  # noqa: E731
        kind = r.randrange(10)
        if kind < 4:
            return f"{n()} {r.choice(['+', '-', '*', '/', '//', '%'])} {n()}"
        if kind == 4:
            return f"{r.choice(['-', '+', ''])}{n()}"
        if kind == 5:
            return f"{n()}|{self.fill(r.choice(['abs', 'int', 'float', 'round', 'round({i})', 'round({i}, {m})', 'round(-1)', 'string|int', 'string|float']), depth)}"
        if kind == 6:
            return f"{self.group(self.text_expression(depth + 1))}|{self.fill(r.choice(['length', 'wordcount', 'int', 'int({i})', 'float', 'float({i})', 'int(0, 16)', 'int(0, 0)']), depth)}"
        if kind == 7:
            return f"{self.group(self.text_expression(depth + 1))}.{self.fill(r.choice(['find({s})', 'rfind({s})', 'count({s})']), depth)}"
        if kind == 8:
            return r.choice([f"{self.group(self.sequence(depth + 1))}|length", "[1, 2.5, 3]|sum", "items|length", "users|sum(attribute='age')", "[3, 1, 2]|max", "[3, 1, 2]|min", "users|map(attribute='age', default=0)|list|length"])
        return f"{r.choice(['2', '3', '10', '0.5', '-1'])} ** {r.choice(['0', '1', '2', '3', '0.5', '-1'])}"

    def sequence(self, depth: int) -> str:
        r = self.r
        if self.wrong(depth):
            return self.any(depth + 1)
        if depth > 4 or r.random() < 0.2:
            return self.list_atom()
        s = lambda: self.group(self.sequence(depth + 1))  # noqa: E731
        kind = r.randrange(17)
        if kind < 2:
            return "[" + ", ".join(self.any(depth + 2) for _ in range(r.randrange(4))) + "]"
        if kind == 2:
            return "(" + ", ".join([self.any(depth + 2) for _ in range(r.randrange(1, 3))] + [""]) + ")"
        if kind < 6:
            return f"{s()}|{r.choice(['list', 'reverse|list', 'unique|list', 'sort', 'items|list', 'select|list', 'batch(2)|list', 'slice(3)|list'])}"
        if kind < 9:
            return s() + "|" + self.fill(r.choice(["map({f})|list", "select({t})|list", "reject({t})|list", "sort(reverse={b})", "sort(case_sensitive={b})", "batch({k})|list", "batch({k}, {e})|list", "slice({k})|list", "slice({k}, {e})|list", "unique(case_sensitive={b})|list", "select('in', {e})|list", "select('eq', {e})|list", "map('default', {e})|list", "map('string')|sort"]), depth)
        if kind < 12:
            return "users|" + self.fill(r.choice(["map(attribute={n})|list", "map(attribute={n}, default={s})|list", "selectattr({n})|list", "rejectattr({n})|list", "selectattr({n}, {t})|list", "rejectattr({n}, {t})|map(attribute='name')|list", "selectattr({n}, 'eq', {e})|list", "groupby('city')", "groupby({n})", "groupby({n}, default={s})", "groupby('city', case_sensitive={b})", "sort(attribute='name')", "sort(attribute='age,name')", "sort(attribute={n})", "unique(attribute={n})|list", "map(attribute='tags', default=[])|list", "map(attribute='tags.0')|list", "min(attribute='age')", "max(attribute='name')", "groupby('age')|map(attribute='grouper')|list"]), depth)
        if kind == 12:
            return self.fill(r.choice(["user|dictsort", "nested|dictsort(by={v})", "nested|dictsort({b})", "nested|dictsort({b}, {v}, {b})", "user|items|list", "user.items()|list", "nested.keys()|list", "nested.values()", "user.items()", "nested|list"]), depth)
        if kind == 13:
            bound = lambda: r.choice(["", "0", "1", "2", "-1", "-2", "10"])  # noqa: E731
            return f"{s()}[{bound()}:{bound()}{r.choice(['', ':', ':2', ':-1', ':-2'])}]"
        if kind == 14:
            return r.choice([f"range({r.randint(0, 6)})", f"range({r.randint(0, 4)}, {r.randint(0, 9)})", f"range({r.randint(-3, 9)}, {r.randint(-3, 4)}, {r.choice([-2, -1, 2, 3])})", f"{s()} + {s()}", f"{s()}|list + {s()}|list", f"{s()} * {r.randint(0, 2)}"])
        if kind == 15:
            return f"{self.group(self.text_expression(depth + 1))}{self.fill(r.choice(['.split()', '.split({s})', '.split({s}, {i})', '.rsplit({s}, {i})', '.rsplit(none, 1)', '.splitlines()', '.splitlines({b})', '|list', '.partition({s})', '.rpartition({s})']), depth)}"
        return s()

    def mapping(self, depth: int) -> str:
        r = self.r
        kind = r.randrange(5)
        if kind == 0:
            return r.choice(["user", "nested", "users[0]", "users|first"])
        if kind == 1:
            return "{" + ", ".join(f"{self.string() if r.random() < 0.9 else r.choice(['1', '2.0', 'true', 'none', '(1, 2)'])}: {self.any(depth + 2)}" for _ in range(r.randrange(4))) + "}"
        if kind == 2:
            return f"dict(a={self.any(depth + 2)}, b={self.any(depth + 2)})"
        if kind == 3:
            return f"dict(user, name={self.any(depth + 2)})"
        return self.fill(r.choice(["user.get({n}, {e})", "user[{n}]", "user.{}".format(r.choice(self.ATTRIBUTES)), "nested.get({s})", "user.name", "users[1].city", "nested.a[1]", "matrix.0.1", "user.nope.nope", "users[9]"]), depth)

    def boolean(self, depth: int) -> str:
        r = self.r
        kind = r.randrange(12)
        a = lambda: self.group(self.any(depth + 1)) if depth < 4 else self.atom()  # noqa: E731
        if kind == 0:
            return f"{a()} {r.choice(['==', '!='])} {a()}"
        if kind == 1:
            return f"{self.group(self.number(depth + 1))} {r.choice(['<', '<=', '>', '>=', '=='])} {self.group(self.number(depth + 1))}"
        if kind == 2:
            return f"{self.group(self.text_expression(depth + 1))} {r.choice(['<', '<=', '>', '>=', 'in', 'not in', '=='])} {self.group(self.text_expression(depth + 1))}"
        if kind == 3:
            return f"{a()} {r.choice(['in', 'not in'])} {self.group(self.sequence(depth + 1))}"
        if kind == 4:
            return f"{a()} {r.choice(['and', 'or'])} {a()}"
        if kind == 5:
            return f"not {a()}"
        if kind == 6:
            return f"({a()} if {a()} else {a()})" if r.random() < 0.9 else f"({a()} if {a()})"
        if kind < 9:
            return f"{a()} is {r.choice(['', 'not '])}{r.choice(self.TESTS)}"
        if kind == 9:
            return f"{self.group(self.number(depth + 1))} is {r.choice(['', 'not '])}{self.fill(r.choice(['divisibleby 3', 'divisibleby({k})', 'even', 'odd', 'lt({i})', 'ge({i})', 'eq({e})', 'ne({e})', 'greaterthan({i})']), depth)}"
        if kind == 10:
            return f"{self.group(self.text_expression(depth + 1))}.{self.fill(r.choice(['startswith({s})', 'endswith({s})', 'isdigit()', 'isalpha()', 'isalnum()', 'isspace()', 'isupper()', 'islower()', 'istitle()']), depth)}"
        return f"0 {r.choice(['<', '<='])} {self.group(self.number(depth + 1))} {r.choice(['<', '<=', '!='])} {self.group(self.number(depth + 1))}"

    def macro_call(self, depth: int) -> str:
        name, parameters = self.r.choice(self.macros)
        given = self.r.randrange(len(parameters) + 1)
        arguments = [self.expression(depth + 2) for _ in range(given)]
        if self.r.random() < 0.3 and parameters[given:]:
            arguments.append(f"{self.r.choice(parameters[given:])}={self.expression(depth + 2)}")
        return f"{name}({', '.join(arguments)})"

    # Statements

    def tag(self, inside: str) -> str:
        r = self.r
        return "{%" + r.choice(["", "", "", "-", "+"]) + " " + inside + " " + r.choice(["", "", "", "-", "+"]) + "%}"

    def text(self) -> str:
        return self.r.choice(["", " ", "\n", "  \n  ", "text", " word ", "<p>\n", "\n\n", "a & b", "  * ", "}}", "é\n"])

    def body(self, depth: int) -> str:
        return "".join(self.text() + self.statement(depth) for _ in range(self.r.randint(1, 3))) + self.text()

    def scoped(self, depth: int, names=()) -> str:
        saved, macros = list(self.locals), list(self.macros)
        self.locals += names
        result = self.body(depth + 1)
        self.locals, self.macros = saved, macros
        return result

    def statement(self, depth: int) -> str:
        r = self.r
        if depth > 3 or r.random() < 0.35:
            return "{{" + r.choice(["", "", "-"]) + " " + self.expression() + " " + r.choice(["", "", "-"]) + "}}"
        kind = r.randrange(17)
        e = lambda: self.expression(2)  # noqa: E731
        if kind < 3:
            result = self.tag("if " + e()) + self.body(depth + 1)
            if r.random() < 0.3:
                result += self.tag("elif " + e()) + self.body(depth + 1)
            if r.random() < 0.5:
                result += self.tag("else") + self.body(depth + 1)
            return result + self.tag("endif")
        if kind < 7:
            return self.loop(depth)
        if kind == 7:
            name = r.choice(self.LOCALS)
            value = e() if r.random() < 0.8 else f"{e()}, {e()}"
            self.locals.append(name)
            return self.tag(f"set {name} = {value}")
        if kind == 8:
            name = r.choice(self.LOCALS)
            filter = r.choice(["", "", " | upper", " | trim | length", " | replace('a', 'b')"])
            result = self.tag(f"set {name}{filter}") + self.scoped(depth) + self.tag("endset")
            self.locals.append(name)
            return result
        if kind == 9:
            name = r.choice(self.LOCALS)
            return self.tag(f"with {name} = {e()}, other = {e()}") + self.scoped(depth, [name, "other"]) + self.tag("endwith")
        if kind == 10:
            return self.tag("filter " + r.choice(["upper", "lower", "trim", "replace('a', 'b')", "indent(2)", "title | trim", "escape", "length"])) + self.scoped(depth) + self.tag("endfilter")
        if kind == 11:
            name = f"m{len(self.macros)}"
            parameters = r.sample(["p", "q", "s"], r.randrange(4))
            defaults = [f"{p}={e()}" if i >= len(parameters) - 1 and r.random() < 0.7 else p for i, p in enumerate(parameters)]
            special = r.choice(["", "", "", "{{ varargs }}", "{{ kwargs }}", "{{ caller() if caller else '-' }}"])
            loops, self.loops = self.loops, 0
            result = self.tag(f"macro {name}({', '.join(defaults)})") + special + self.scoped(depth + 1, parameters) + self.tag("endmacro")
            self.loops = loops
            self.macros.append((name, parameters))
            return result + "{{ " + self.macro_call(2) + " }}"
        if kind == 12 and self.macros:
            name, parameters = r.choice(self.macros)
            return self.tag(f"call {name}({', '.join(e() for _ in parameters)})") + self.scoped(depth + 1) + self.tag("endcall")
        if kind == 13:
            return r.choice(["{# a comment #}", "{#- another -#}", "{% raw %}{{ raw }}{% endraw %}", "{%- raw -%} {% x %} {%- endraw -%}", "{# multi\nline #}\n"])
        if kind == 14:
            return self.tag(f"autoescape {r.choice(['true', 'false'])}") + self.scoped(depth) + self.tag("endautoescape")
        if kind == 15:
            return r.choice([
                self.tag("include 'part.j2'"), self.tag("include 'nope.j2' ignore missing"),
                self.tag("include ['nope.j2', 'part.j2']"), self.tag("include 'nope.j2'") if r.random() < 0.2 else "",
                self.tag("import 'macros.j2' as lib") + "{{ lib.field('a', " + e() + ") }}{{ lib.constant }}{{ lib.nope }}",
                self.tag("from 'macros.j2' import field, wrap as w") + "{{ field(" + e() + ") }}" + self.tag("call w('i')") + self.body(depth + 2) + self.tag("endcall"),
                self.tag("import 'macros.j2' as lib with context") + "{{ lib.shows() }}",
            ])
        name = r.choice(["ns", "ns2"])
        return self.tag(f"set {name} = namespace(n=0, s='')") + self.tag(f"for i in {r.choice(['range(3)', 'items', 'text', e()])}") + self.tag(f"set {name}.n = {name}.n + 1") + self.scoped(depth) + self.tag("endfor") + "{{ " + name + ".n }}{{ " + name + ".s }}"

    def loop(self, depth: int) -> str:
        r = self.r
        names, source = r.choice([(["x"], "items"), (["x"], "users"), (["x", "y"], "user.items()"), (["x"], "range(4)"), (["x"], "text"), (["x"], self.expression(2)), (["x", "y"], "nested|dictsort"), (["a", "b"], "matrix"), (["x"], "missing"), (["x", "y"], "users|groupby('city')"), (["x"], "items|reverse")])
        test = f" if {self.expression(3)}" if r.random() < 0.2 else ""
        if r.random() < 0.1:
            test = f" if {names[0]}"
        saved = list(self.locals)
        self.locals += names
        self.loops += 1
        body = self.body(depth + 1)
        self.loops -= 1
        self.locals = saved
        loops, self.loops = self.loops, 0
        otherwise = self.tag("else") + self.body(depth + 1) if r.random() < 0.25 else ""
        self.loops = loops
        return self.tag(f"for {', '.join(names)} in {source}{test}") + body + otherwise + self.tag("endfor")

    def template(self) -> str:
        r = self.r
        kind = r.random()
        if kind < 0.45:
            return "{{ " + self.expression() + " }}"
        if kind < 0.92:
            return "".join(self.text() + self.statement(0) for _ in range(r.randint(1, 4))) + self.text()
        parts = [self.tag(f"extends {r.choice(['base.j2', 'middle.j2'])!r}")]
        if r.random() < 0.5:
            parts.append(self.tag("set topic = " + self.expression(2)))
        for name in r.sample(["head", "body", "foot"], r.randint(0, 3)):
            parts.append(self.tag(f"block {name}") + self.scoped(1) + r.choice(["", "{{ super() }}", "{{ self.head() }}" if name != "head" else ""]) + self.tag("endblock"))
        return self.text() .join(parts)
