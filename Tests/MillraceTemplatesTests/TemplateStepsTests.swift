import MillraceCore
import MillraceTemplates
import Testing

/// That the limit of steps bounds the time: what takes time in proportion to a value's size is charged so, wherever the value goes.
@Suite struct TemplateStepsTests {
    /// Each uses a text of 40,000 bytes (`b`), a list of 10,000 elements (`l`) or a dictionary of as many (`d`), and gives next to nothing.
    static let uses = [
        "b is lower", "b is upper", "b is filter", "b is test", "b|int", "b|float", "b|float(default=1)", "blanks|trim", "'x'|trim(b)",
        "'x'.strip(b)", "tag|striptags", "'x'.startswith(b)", "'x'.endswith((b, b))", "'x'.find(b)", "'x'.count(b)", "'x'.removeprefix(b)",
        "'x'.removesuffix(b)", "'x'.split(b)", "'x'.rsplit(b)", "'x'.partition(b)", "'x'.rpartition(b)", "b in 'x'", "'x'|attr(b)",
        "x[b]", "d[b]", "'x' is in b", "b == b", "b < b", "[b]|sort", "[b]|unique|list", "[b]|max", "[b]|groupby('x', b)", "l == l",
        "-1 in l", "b|wordcount", "b|length", "b[:1]", "b[-1]", "b|first", "b|last", "b|truncate(10)", "b|wordwrap(50000)", "b|upper == ''",
        "b|tojson == ''", "b.split('x')", "b.isalpha()", "b.zfill(1)", "b|urlencode == ''", "{'k': b}|urlencode == ''", "b % ()",
        "b.format()", "'%.1r' % [b]", "'%.1s' % [[b]]", "none[[huge]]", "namespace(d)", "dict(d)", "d|items", "d.keys()",
        "d|dictsort|length", "l|map('int')", "l|join", "l|sum", "[0]|map(attribute=path, default='x')|list", "[0]|sort(attribute=path)",
        "l|reverse", "l[::2]", "l|batch(3)", "l|list", "l|select|list", "[b, b]|join == ''", "b.replace('x', '')", "'x'.replace(b, '')",
        "b|center(1)", "b|replace('x', '')",
    ]

    @Test(arguments: uses) func aLargeValue_takesStepsByItsSize(use: String) {
        let numbers = (0..<10_000).map { JSONValue.integer($0) }
        let variables: [String: JSONValue] = [
            "b": .string(String(repeating: "a", count: 40_000)), "blanks": .string(String(repeating: " ", count: 40_000)),
            "tag": .string("<" + String(repeating: "a", count: 40_000) + ">"), "x": .object([:]),
            "huge": .string(String(repeating: "a", count: 39_999)), "path": .string(String(repeating: "a.", count: 20_000)),
            "l": .array(numbers), "d": .object(Dictionary(uniqueKeysWithValues: numbers.map { ("k\($0)", $0) })),
        ]
        let limits = TemplateLimitsTests.limits {
            $0.steps = 8000
            // A text of `huge` in brackets does not fit any more: what asks for one is charged as well.
            if use.contains("huge") { $0.outputBytes = 40_000 }
        }
        let source = "{% for i in range(20) %}{% if \(use) %}{% endif %}{% endfor %}"
        let once = "{% if \(use) %}{% endif %}"
        let error = TemplateLimitsTests.failure(source, variables, limits: limits)
        if error?.kind == .value || error?.kind == .undefined {
            // What ends in an error takes its time once.
            #expect(TemplateLimitsTests.failure(once, variables)?.kind == error?.kind)
        } else {
            #expect(error?.message.contains("steps") == true, "\(String(describing: error))")
        }
    }

    @Test(arguments: [
        "{{ ('a' * 100000)|wordwrap(1, wrapstring='x' * 4000000) }}", "{{ ([('a' * 1000000, 'b')] * 100000)|urlencode }}",
        "{{ ('a b ' * 30000)|wordwrap(2, wrapstring='x' * 4000000) }}", "{{ ('a\\n' * 90000)|wordwrap(2, wrapstring='x' * 4000000) }}",
    ]) func text_thatWouldBeTooLong_isNotMadeFirst(source: String) {
        #expect(TemplateLimitsTests.failure(source)?.kind == .limit)
    }

    @Test func longTexts_areLaidOut_inTimeThatGrowsWithThem() throws {
        // With work that grows with the square, each of these would take minutes.
        let lines = try Template("{{ ('a' * 100000)|wordwrap(1)|length }} {{ (' ' * 100000)|wordwrap(1)|length }}").render([:])
        #expect(lines == "199999 0")
        #expect(try Template("{{ ('x' * 100000).format()|length }}").render([:]) == "100000")
    }
}
