import MillraceCore
import Testing

@testable import MillraceTemplates

@Suite struct TemplateTests {
    @Test func template_isReadOnce_andRenderedByManyTasks() async throws {
        let template = try Template("Hello {{ name }}!")
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try template.render(["name": "World"]) } }
            for try await output in group { #expect(output == "Hello World!") }
        }
    }

    /// What the documentation shows.
    @Test func environment_rendersTemplatesThatNameOthers() throws {
        let loader = InMemoryTemplateLoader([
            "system.xml.j2":
                "<task>{% include 'task.j2' %}</task>{% for d in documents %}<doc id=\"{{ d.id }}\">{{ d.text }}</doc>{% endfor %}",
            "task.j2": "Answer {{ name }} briefly.",
        ])
        let prompts = TemplateEnvironment(loader: loader)
        let text = try prompts.render("system.xml.j2", ["name": "Ann", "documents": [["id": "d1", "text": "1 < 2"]]])
        #expect(text == "<task>Answer Ann briefly.</task><doc id=\"d1\">1 &lt; 2</doc>")
        #expect(try prompts.undeclaredVariables(of: "system.xml.j2") == ["documents", "name"])
    }

    @Test func environment_keepsWhatItHasRead() throws {
        final class Counter: TemplateLoader {
            let reads = Locked(0)
            func source(of name: String) -> String? {
                reads.withLock { $0 += 1 }
                return name == "a" ? "{% include 'b' %}{% include 'b' %}" : "b"
            }
        }
        let loader = Counter()
        let environment = TemplateEnvironment(loader: loader)
        for _ in 0..<3 { #expect(try environment.render("a") == "bb") }
        #expect(loader.reads.withLock { $0 } == 2)
    }

    @Test(arguments: [
        ("a.xml.j2", true), ("a.html.j2", true), ("A.XML.J2", true), ("a.htm", true), ("a.xhtml.jinja2", true), ("a.j2", false),
        ("a.xml.txt", false),
        ("xml", false), ("a.md.j2", false), ("a.xmlj2", false),
    ]) func autoescape_goesByTheName(name: String, escapes: Bool) throws {
        #expect(try Template("{{ x }}", name: name).render(["x": "<"]) == (escapes ? "&lt;" : "<"))
    }

    @Test(arguments: [
        "", "/etc/passwd", "../a", "a/../b", "a/..", "./a", "a//b", "a/", "a\\b", "a\u{0}b", "a\nb", String(repeating: "a", count: 256),
    ]) func name_thatIsNoRelativePath_neverReachesTheLoader(name: String) {
        struct Trap: TemplateLoader {
            func source(of name: String) -> String? {
                Issue.record("the loader was asked for '\(name)'")
                return ""
            }
        }
        #expect(throws: TemplateError.self) { try TemplateEnvironment(loader: Trap()).render(name) }
        let error = #expect(throws: TemplateError.self) {
            try TemplateEnvironment(loader: Only(source: "\n {% include name %}")).render("main", ["name": .string(name)])
        }
        #expect(error?.kind == .notFound && error?.line == 2 && error?.template == "main")
    }

    private struct Only: TemplateLoader {
        let source: String
        func source(of name: String) -> String? {
            if name != "main" { Issue.record("the loader was asked for '\(name)'") }
            return source
        }
    }

    @Test func loader_thatFails_saysSoInTheError() {
        struct Failing: TemplateLoader {
            func source(of name: String) throws -> String? { throw MillraceError(.system, "the disk is gone") }
        }
        let error = #expect(throws: TemplateError.self) { try TemplateEnvironment(loader: Failing()).render("a") }
        #expect(error?.message.contains("the disk is gone") == true)
    }

    @Test(arguments: [
        ("a\n  {{ nmae }}", "t:2:6: the variable 'nmae' is undefined: did you mean 'name'?"),
        ("{{ user.nmae }}", "t:1:8: a dictionary has no attribute 'nmae': did you mean 'name'?"),
        ("{{ name|uper }}", "t:1:9: there is no filter 'uper': did you mean 'upper'? (there are abs,"),
        ("{{ name is evn }}", "t:1:12: there is no test 'evn': did you mean 'even'? (there are boolean,"),
        ("{% fro x in y %}", "t:1:4: the tag 'fro' is not known: did you mean 'for'?"),
        ("{% do x %}", "t:1:4: the tag 'do' is not supported: write {% set _ = … %}"),
        ("{{ name|pprint }}", "t:1:9: the filter 'pprint' is not supported: use tojson(indent=2)"),
        ("{% if name %}\n{% endfor %}", "t:2:4: 'endfor' does not belong to the open 'if' of line 1"),
        ("x\n{% for a in b %}", "t:2:4: 'for' is not closed: {% endfor %} or {% else %} is missing"),
        ("{{ 9223372036854775807 + 1 }}", "t:1:24: the result of '+' does not fit into 64 bits"),
        ("{{ 9223372036854775808 }}", "t:1:4: the integer does not fit into 64 bits"),
        ("{{ [].append(1) }}", "t:1:6: 'append' of a list is not supported: lists do not change; write {% set list = list + [item] %}"),
        ("{{ name.__class__ }}", "t:1:8: '__class__' is not available: names that begin with __ are Python's own"),
        ("{{ name|truncate(lenght=3) }}", "t:1:9: the filter 'truncate' has no argument 'lenght': did you mean 'length'?"),
        ("{% include 'nope' %}", "t:1:1: there is no template 'nope'"), ("{{ (1 }}", "t:1:7: unexpected '}', ')' is expected"),
    ]) func error_namesThePlaceAndWhatToDo(source: String, message: String) {
        let error = #expect(throws: TemplateError.self) {
            try Template(source, name: "t").render(["name": "n", "user": ["name": "u"]])
        }
        #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
    }

    @Test func error_inAnIncludedTemplateOrMacro_namesThatTemplate() {
        let loader = InMemoryTemplateLoader([
            "main": "{% from 'lib' import m %}\n{{ m() }}", "lib": "{% macro m() %}\n\n{{ 1 / 0 }}{% endmacro %}",
            "base": "{% block b %}{% endblock %}\n{{ nope }}", "child": "{% extends 'base' %}{% block b %}ok{% endblock %}",
            "bad": "{% include 'worse' %}",
            "worse": "\n{{",
        ])
        let environment = TemplateEnvironment(loader: loader)
        for (name, place) in [("main", "lib:3:6"), ("child", "base:2:4"), ("bad", "worse:2:1")] {
            let error = #expect(throws: TemplateError.self) { try environment.render(name) }
            #expect(error?.description.hasPrefix(place) == true, "\(error?.description ?? "")")
        }
    }

    @Test func error_asTheServerKnowsIt_hasItsCodeAndPlace() throws {
        let error = try #require(throws: TemplateError.self) { try Template("\n{{", name: "a.j2") }
        #expect(error.asMillraceError.code == .configuration)
        #expect(error.asMillraceError.details == ["template": "a.j2", "line": 2, "column": 1])
    }

    @Test(arguments: [
        ("{{ a }}{{ b.c[d]|join(e) }}", ["a", "b", "d", "e"]), ("{% set a = b %}{{ a }}", ["b"]), ("{{ a }}{% set a = 1 %}", ["a"]),
        ("{% for x in xs if x > y %}{{ x }}{{ loop.index }}{{ z }}{% endfor %}{{ x }}", ["x", "xs", "y", "z"]),
        ("{% if a %}{% set b = 1 %}{% endif %}{{ b }}", ["a", "b"]),
        ("{% if a %}{% set b = 1 %}{% else %}{% set b = 2 %}{% endif %}{{ b }}", ["a"]),
        ("{% macro m(p, q=r) %}{{ p }}{{ q }}{{ s }}{{ varargs }}{{ m }}{% endmacro %}{{ m(t) }}", ["r", "s", "t"]),
        ("{% with a = b, c = a %}{{ c }}{% endwith %}", ["a", "b"]),
        ("{% import 'x' as m %}{{ m.f() }}{% from y import n as o %}{{ o }}{{ n }}", ["n", "y"]),
        ("{% block b %}{{ super() }}{{ self.b() }}{{ v }}{% endblock %}", ["v"]),
        ("{% set ns = namespace() %}{% set ns.a = q %}{{ range(n) }}", ["n", "q"]),
        ("{% call(x) m(y) %}{{ x }}{{ z }}{% endcall %}", ["m", "y", "z"]),
        ("{% set a %}{{ b }}{% endset %}{{ a }}{% filter replace(c, d) %}{% endfilter %}", ["b", "c", "d"]),
        ("{{ a if b is defined else c }}{{ {d: e} }}{{ f[g:h] }}", ["a", "b", "c", "d", "e", "f", "g", "h"]),
    ]) func undeclaredVariables_areThoseThatAreReadAndNotSet(source: String, names: [String]) throws {
        #expect(try Template(source).undeclaredVariables.sorted() == names)
    }

    @Test func references_areThoseNamedByLiterals() throws {
        let template = try Template("{% include 'a' %}{% include ['b', 'c'] %}{% import 'd' as x %}{% from 'e' import f %}")
        #expect(template.referencedTemplates == ["a", "b", "c", "d", "e"] && !template.hasComputedReferences)
        #expect(try Template("{% include a ~ 'b' %}").hasComputedReferences)
    }

    @Test func undeclaredVariables_ofAnEnvironment_followReferences_alsoInCircles() throws {
        let loader = InMemoryTemplateLoader([
            "a": "{{ x }}{% include 'b' %}{% include 'gone' ignore missing %}", "b": "{{ y }}{% include 'a' %}",
        ])
        #expect(try TemplateEnvironment(loader: loader).undeclaredVariables(of: "a") == ["x", "y"])
    }
}
