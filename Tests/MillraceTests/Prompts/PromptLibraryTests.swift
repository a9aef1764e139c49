import MillraceCore
import Testing

@testable import Millrace

@Suite struct PromptLibraryTests {
    private func file(_ text: String) -> PromptSource { PromptSource(name: "rag/system.xml.j2", text: text, origin: .file) }

    private func stored(_ text: String, _ version: Int) -> PromptSource {
        PromptSource(name: "rag/system.xml.j2", text: text, version: version, origin: .stored)
    }

    @Test func storedVersion_beatsFile_beatsEmbedded() throws {
        let library = PromptLibrary()
        let folder = try library.folder("rag", embedded: ["system.xml.j2": "embedded {{ name }}", "other.j2": "other"])
        let run = RunRecorder()
        func render() throws -> String { try folder.render("system.xml.j2", ["name": "Ann & Bob"], in: run.context) }
        #expect(try render() == "embedded Ann &amp; Bob")
        library.replace(files: ["rag": ["system.xml.j2": file("file {{ name }}")], "others": ["a.j2": file("x")]])
        #expect(try render() == "file Ann &amp; Bob")
        library.use(stored: stored("stored {{ name }}", 3), name: "rag/system.xml.j2")
        #expect(try render() == "stored Ann &amp; Bob")
        #expect(
            run.prompts == [
                PromptReference(
                    name: "rag/system.xml.j2", version: nil, hash: PromptHash.of("embedded {{ name }}"), origin: .embedded),
                PromptReference(name: "rag/system.xml.j2", version: nil, hash: PromptHash.of("file {{ name }}"), origin: .file),
                PromptReference(name: "rag/system.xml.j2", version: 3, hash: PromptHash.of("stored {{ name }}"), origin: .stored),
            ])
        #expect(library.unstored("rag", "system.xml.j2")?.text == "file {{ name }}")
        // Each goes, and the one below counts again.
        library.use(stored: nil, name: "rag/system.xml.j2")
        #expect(try render() == "file Ann &amp; Bob")
        library.replace(files: [:])
        #expect(try render() == "embedded Ann &amp; Bob")
        #expect(folder.current.names == ["other.j2", "system.xml.j2"])
    }

    /// A run that has taken the prompts keeps them, whatever changes meanwhile.
    @Test func current_staysAsItWas() throws {
        let library = PromptLibrary()
        let folder = try library.folder("rag", embedded: ["system.xml.j2": "one {% include 'part.j2' %}", "part.j2": "1"])
        let prompts = folder.current
        library.replace(files: ["rag": ["part.j2": PromptSource(name: "rag/part.j2", text: "2", origin: .file)]])
        #expect(try prompts.render("system.xml.j2").text == "one 1")
        #expect(try folder.current.render("system.xml.j2").text == "one 2")
    }

    @Test func whatATemplateIncludes_isNamedWithIt() throws {
        let folder = PromptFolder(
            "rag",
            [
                "system.j2": "{% extends 'base.j2' %}{% block a %}{% include 'part.j2' %}{% endblock %}",
                "base.j2": "<{% block a %}{% endblock %}>",
                "part.j2": "part", "unused.j2": "unused", "any.j2": "{% include name %}",
            ])
        let rendered = try folder.current.render("system.j2")
        #expect(rendered.text == "<part>")
        #expect(rendered.reference.name == "rag/system.j2")
        #expect(rendered.references.map(\.name) == ["rag/system.j2", "rag/base.j2", "rag/part.j2"])
        // A name that is computed may be any.
        let any = try folder.current.render("any.j2", ["name": "part.j2"])
        #expect(any.references.map(\.name) == ["rag/any.j2", "rag/base.j2", "rag/part.j2", "rag/system.j2", "rag/unused.j2"])
    }

    @Test func otherHandlersTemplates_areNotThere() throws {
        let library = PromptLibrary()
        _ = try library.folder("chat", embedded: ["secret.j2": "secret"])
        for name in ["chat/secret.j2", "../chat/secret.j2", "/etc/passwd", "secret.j2"] {
            let folder = try library.folder("rag", embedded: ["system.j2": "{% include '\(name)' %}"])
            #expect(throws: MillraceError.self) { try folder.current.render("system.j2") }
        }
    }

    @Test func errors_nameTemplateLineAndColumn_andWhichTextItWas() throws {
        let library = PromptLibrary()
        let folder = try library.folder("rag", embedded: ["system.j2": "{% include 'part.j2' %}", "part.j2": "a\nb {{ nmae }}"])
        func failure(_ name: String) -> MillraceError? {
            do throws(MillraceError) { _ = try folder.current.render(name, ["name": "x"]) } catch { return error }
            return nil
        }
        #expect(
            failure("system.j2")?.message == "prompt rag/part.j2:2:6: the variable 'nmae' is undefined: did you mean 'name'?")
        #expect(failure("system.j2")?.details == ["prompt": "rag/part.j2", "line": 2, "column": 6])
        library.use(stored: PromptSource(name: "rag/part.j2", text: "{{ 1 / 0 }}", version: 7, origin: .stored), name: "rag/part.j2")
        let message = failure("system.j2")?.message ?? ""
        #expect(message.hasPrefix("prompt rag/part.j2:1:") && message.hasSuffix("(version 7 in the store)"), "\(message)")
        #expect(failure("sistem.j2")?.message == "'rag' has no prompt 'sistem.j2': did you mean 'system.j2'?; it has part.j2, system.j2")
        #expect(throws: MillraceError(.configuration, "the embedded prompt rag/x.j2:1:7: \(endIf)")) {
            try library.folder("rag", embedded: ["x.j2": "{% if %}"])
        }
    }

    /// A loop's turn is not a prompt's to keep.
    @Test func promptWithoutEnd_isStopped() {
        let prompts = PromptFolder("rag", ["a.j2": "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"])
        let error = #expect(throws: MillraceError.self) { try prompts.current.render("a.j2") }
        #expect(error?.code == .limitExceeded && error?.message.hasPrefix("prompt rag/a.j2:1:") == true)
    }

    private var endIf: String { PromptRules.problem(in: "{% if %}", name: "x.j2")?.message ?? "" }

    @Test(arguments: [
        ("system.xml.j2", true), ("analysis/user.xml.j2", true), ("A-1_b.j2", true), ("system.xml", false), ("", false), (".j2", false),
        ("a//b.j2", false), ("../b.j2", false), ("a/.hidden.j2", false), ("/a.j2", false), ("a b.j2", false), ("é.j2", false),
        ("a\\b.j2", false), ("1/2/3/4/5/6/7/8.j2", true), ("1/2/3/4/5/6/7/8/9.j2", false),
    ])
    func name_isAllowedOrRefused(name: String, isAllowed: Bool) {
        #expect((PromptRules.problem(ofName: name) == nil) == isAllowed)
    }

    @Test func reference_comesBackFromItsJSON() {
        let references = [
            PromptReference(name: "chat/system.xml.j2", version: nil, hash: "aa", origin: .embedded),
            PromptReference(kind: .persona, name: "editor", version: 4, hash: "bb", origin: .stored),
        ]
        #expect(references.map { PromptReference(json: $0.json) } == references)
        #expect(PromptReference(json: ["kind": "other", "name": "x", "hash": "y", "origin": "file"]) == nil)
    }
}
