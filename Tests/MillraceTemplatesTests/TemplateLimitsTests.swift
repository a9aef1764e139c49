import Glibc
import MillraceCore
import MillraceTemplates
import Testing

/// Each limit at its edge, and that nothing reaches the end of a small stack.
@Suite struct TemplateLimitsTests {
    static func failure(_ source: String, _ variables: [String: JSONValue] = [:], limits: TemplateLimits = .init()) -> TemplateError? {
        do throws(TemplateError) {
            _ = try Template(source, limits: limits).render(variables)
            return nil
        } catch { return error }
    }

    static func limits(_ change: (inout TemplateLimits) -> Void) -> TemplateLimits {
        var limits = TemplateLimits()
        change(&limits)
        return limits
    }

    @Test func source_mayHaveTheLimitAndNoMore() {
        let limits = Self.limits { $0.sourceBytes = 10 }
        #expect(Self.failure("0123456789", limits: limits) == nil)
        #expect(Self.failure("0123456789a", limits: limits)?.kind == .limit)
    }

    @Test func output_mayHaveTheLimitAndNoMore() {
        let limits = Self.limits { $0.outputBytes = 100 }
        #expect(Self.failure("{{ 'ab' * 50 }}", limits: limits) == nil)
        #expect(Self.failure("{{ 'ab' * 50 }}.", limits: limits)?.kind == .limit)
        #expect(Self.failure("{{ 'ab' * 51 }}", limits: limits)?.kind == .limit)
        #expect(Self.failure("{% for i in range(101) %}x{% endfor %}", limits: limits)?.kind == .limit)
        #expect(Self.failure("{% set x %}{% for i in range(101) %}x{% endfor %}{% endset %}", limits: limits)?.kind == .limit)
    }

    @Test(arguments: [
        "{{ 'x'.center(9000000) }}", "{{ 'x'|center(9000000) }}", "{{ 'x'.zfill(9000000) }}", "{{ 'x'|indent(9000000, true) }}",
        "{{ ('x' * 4000)|replace('x', 'y' * 4000) }}", "{{ 'x' * 9223372036854775807 }}", "{{ ('x' * 4000)|replace('', 'y' * 4000) }}",
        "{{ [['x' * 1000000] * 100]|tojson }}", "{{ [1]|tojson(9000000) }}", "{{ ['x' * 3000000, 'y' * 3000000]|join }}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{{ ('\\n' * 3000)|indent(3000, blank=true) }}",
    ]) func text_thatWouldBeTooLong_isNeverMade(source: String) {
        #expect(Self.failure(source)?.kind == .limit)
    }

    @Test func range_mayHaveTheLimitAndNoMore() {
        #expect(Self.failure("{{ range(100000)|length }}") == nil)
        #expect(Self.failure("{{ range(100001)|length }}")?.kind == .limit)
        #expect(Self.failure("{{ range(9223372036854775800, 9223372036854775807, 5)|list }}") == nil)
        #expect(Self.failure("{{ ([0] * 100000)|length }}") == nil)
        #expect(Self.failure("{{ ([0] * 100001)|length }}")?.kind == .limit)
        #expect(Self.failure("{{ [0, 1] * 9223372036854775807 }}")?.kind == .limit)
        #expect(Self.failure("{{ [1]|batch(100001, 0)|list }}")?.kind == .limit)
        #expect(Self.failure("{{ [1]|slice(100001)|list }}")?.kind == .limit)
    }

    @Test(arguments: [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l == ns.l|list }}",
        "{% set ns = namespace(l=(1,)) %}{% for i in range(40) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
        "{% set ns = namespace(l=[1]) %}{% for i in range(40) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l|tojson }}",
        "{% set s = 'a' * 1000000 %}{% for i in range(9999) %}{{ s in s ~ 'b' }}{% endfor %}",
        "{% set l = ['a' * 100000] * 1000 %}{{ l|sort|length }}", "{% set l = ['a' * 100000] * 1000 %}{{ l|unique|list|length }}",
        "{% for i in range(9999) %}{% set x = range(9999)|list %}{% endfor %}",
    ]) func work_thatWouldNotEnd_isEnded(source: String) {
        #expect(Self.failure(source)?.kind == .limit)
    }

    @Test func steps_areAsManyAsAllowed() {
        let limits = Self.limits { $0.steps = 1000 }
        #expect(Self.failure("{% for i in range(100) %}{% endfor %}", limits: limits) == nil)
        #expect(Self.failure("{% for i in range(1000) %}{% endfor %}", limits: limits)?.kind == .limit)
    }

    @Test(arguments: [
        "{{ 'x'.ljust(9223372036854775807, 'é') }}", "{{ 'x'.center(-9223372036854775807 - 1) }}",
        "{{ 'x'.rjust(-9223372036854775807 - 1) }}", "{{ 'x'|center(-9223372036854775807 - 1) }}",
        "{{ range(0, 9223372036854775807, 4611686018427387904)[:2]|list }}", "{{ range(0, 9, 2)[::9223372036854775807]|list }}",
        "{{ range(0, 9, 2)[::-9223372036854775807 - 1]|list }}", "{{ 'abc'[2::9223372036854775807] }}",
        "{{ 'abc'[::-9223372036854775807 - 1] }}", "{{ 'abc'[-9223372036854775807 - 1:9223372036854775807] }}",
        "{{ 5|round(-9223372036854775807 - 1) }}", "{{ 5.5|round(-9223372036854775807 - 1) }}", "{{ (-9223372036854775807 - 1) % -1 }}",
        "{{ (-9223372036854775807 - 1)|abs }}", "{{ 'a'|truncate(9223372036854775807, leeway=9223372036854775807) }}",
        "{{ 'a'.find('a', -9223372036854775807 - 1, 9223372036854775807) }}", "{{ '%*d' % (-9223372036854775807 - 1, 1) }}",
        "{{ [1, 2]|slice(-9223372036854775807 - 1)|list }}", "{{ [1, 2]|batch(-9223372036854775807 - 1)|list }}",
        "{{ '{:9223372036854775808}'.format(1) }}", "{{ [1][-9223372036854775807 - 1] }}", "{{ 'a'[-9223372036854775807 - 1] }}",
        "{{ 'a'|indent(-9223372036854775807 - 1) }}", "{{ [1]|tojson(-9223372036854775807 - 1) }}",
        "{{ 'a'.split('b', -9223372036854775807 - 1) }}", "{{ 'a'.replace('a', 'b', -9223372036854775807 - 1) }}",
    ]) func largestNumbers_endInAnErrorOrNot_butNeverTheProcess(source: String) {
        _ = TemplateLimitsTests.failure(source)
    }

    @Test func values_areNestedAsDeepAsAllowed() throws {
        func nested(_ depth: Int) -> JSONValue { (1..<depth).reduce(.array([])) { value, _ in .array([value]) } }
        #expect(Self.failure("{{ x }}", ["x": nested(48)]) == nil)
        #expect(Self.failure("{{ x }}", ["x": nested(49)])?.kind == .limit)
        #expect(Self.failure("{% set y = [x] %}", ["x": nested(48)])?.kind == .limit)
        #expect(
            Self.failure("{% set ns = namespace(x=[]) %}{% for i in range(99) %}{% set ns.x = [ns.x] %}{% endfor %}")?.message
                == "a value is nested more than 48 deep")
    }

    /// Sources that nest one thing `depth` times.
    static let nests: [@Sendable (Int) -> String] = [
        { "{{ " + String(repeating: "(", count: $0) + "1" + String(repeating: ")", count: $0) + " }}" },
        { "{{ " + String(repeating: "[", count: $0) + String(repeating: "]", count: $0) + " }}" },
        { "{{ " + String(repeating: "{1:", count: $0) + "1" + String(repeating: "}", count: $0) + " }}" },
        { "{{ " + String(repeating: "-", count: $0) + "1 }}" }, { "{{ " + String(repeating: "not ", count: $0) + "1 }}" },
        { "{{ x" + String(repeating: ".a", count: $0) + " }}" }, { "{{ x" + String(repeating: "[0]", count: $0) + " }}" },
        { "{{ x" + String(repeating: "()", count: $0) + " }}" }, { "{{ 1" + String(repeating: "|int", count: $0) + " }}" },
        { "{{ " + String(repeating: "1 if 1 else ", count: $0) + "1 }}" },
        { "{{ " + String(repeating: "1|default(", count: $0) + "1" + String(repeating: ")", count: $0) + " }}" },
        { "{{ " + String(repeating: "x[", count: $0) + "1" + String(repeating: "]", count: $0) + " }}" },
        {
            String(repeating: "{{ 1 or 1 and 1 == 1 + 1 ~ 1 * 1 ** (", count: 1)
                + String(repeating: "1 or 1 and 1 == 1 + 1 ~ 1 * 1 ** (", count: $0) + "1" + String(repeating: ")", count: $0 + 1) + " }}"
        },
        { "{{ " + String(repeating: "1 is eq [", count: $0) + "1" + String(repeating: "]", count: $0) + " }}" },
        { "{{ 1" + String(repeating: " is eq(1)", count: $0) + " }}" },
        { "{{ " + String(repeating: "2 ** (", count: $0) + "1" + String(repeating: ")", count: $0) + " }}" },
        { String(repeating: "{% if 1 %}", count: $0) + String(repeating: "{% endif %}", count: $0) },
        { String(repeating: "{% for i in [1] %}", count: $0) + String(repeating: "{% endfor %}", count: $0) },
        { String(repeating: "{% filter upper %}", count: $0) + "x" + String(repeating: "{% endfilter %}", count: $0) },
        { String(repeating: "{% set x %}", count: $0) + String(repeating: "{% endset %}", count: $0) },
        { String(repeating: "{% with %}", count: $0) + String(repeating: "{% endwith %}", count: $0) },
        { String(repeating: "{% macro m() %}", count: $0) + String(repeating: "{% endmacro %}", count: $0) },
        {
            "{% macro m() %}{{ caller() }}{% endmacro %}" + String(repeating: "{% call m() %}", count: $0)
                + String(repeating: "{% endcall %}", count: $0)
        },
        { "{% set " + String(repeating: "(", count: $0) + "a" + String(repeating: ")", count: $0) + " = 1 %}" },
        { "{% filter upper" + String(repeating: "|upper", count: $0) + " %}x{% endfilter %}" },
        { n in (0..<n).map { "{% block b\($0) %}" }.joined() + String(repeating: "{% endblock %}", count: n) },
    ]

    /// Templates that recurse while they are rendered.
    static let recursions = [
        "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}",
        "{% macro m(n) %}{% if true %}{% for i in [1] %}{% filter upper %}{{ (m(n + 1) ~ 'x')|upper }}"
            + "{% endfilter %}{% endfor %}{% endif %}{% endmacro %}{{ m(0) }}",
        "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{% macro m(a=m()) %}{% endmacro %}{{ m() }}",
        "{% block a %}{{ self.a() }}{% endblock %}", "{% include 'case' %}", "{% for i in [1] %}{% include 'case' %}{% endfor %}",
        "{% import 'case' as m with context %}", "{% extends 'case' %}", "{% extends 'other' %}",
        "{% set x %}{% include 'case' %}{% endset %}",
        "{{ " + String(repeating: "[", count: 38) + "1" + String(repeating: "]", count: 38)
            + "|map('map', 'map', 'map', 'map', 'list')|list }}",
    ]

    private static func outcome(_ source: String) -> TemplateError? {
        let loader = InMemoryTemplateLoader(["case": source, "other": "{% extends 'case' %}"])
        do throws(TemplateError) {
            _ = try TemplateEnvironment(loader: loader).render("case", ["x": 1])
            return nil
        } catch { return error }
    }

    /// Runs on a thread with a small stack.
    private static func onSmallStack<R: Sendable>(_ body: @escaping @Sendable () -> R) -> R {
        nonisolated(unsafe) var result: R?
        let work = Work { result = body() }
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().body() }
                return nil
            }, Unmanaged.passUnretained(work).toOpaque())
        precondition(status == 0)
        pthread_join(thread, nil)
        pthread_attr_destroy(&attributes)
        guard let result else { fatalError("the thread gave nothing") }
        return result
    }

    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Of the 512 KB that threads have, a quarter is left to whoever renders. Sanitizers make frames several times as large.
    private static let stackBytes = dlsym(nil, "__asan_init") != nil || dlsym(nil, "__tsan_init") != nil ? 4 << 20 : 384 << 10

    @Test(arguments: nests.indices) func nesting_isBounded_onASmallStack(index: Int) {
        let errors = Self.onSmallStack {
            [1, 30, 39, 40, 41, 45, 1000, 5000].map { (Self.nests[index]($0).count, Self.outcome(Self.nests[index]($0))) }
        }
        #expect(errors.first?.1?.kind != .limit)
        #expect(errors.suffix(3).allSatisfy { $0.1?.kind == .limit }, "\(errors)")
    }

    @Test(arguments: recursions) func recursion_isBounded_onASmallStack(source: String) {
        let error = Self.onSmallStack { Self.outcome(source) }
        #expect(error != nil)
    }

    @Test func recursionInAllWays_atOnce_isBounded() {
        // The deepest expression in the deepest statement, in each turn of a macro.
        let deep = String(repeating: "(", count: 14) + "m(n)" + String(repeating: "|upper)", count: 14)
        let source =
            "{% macro m(n) %}" + String(repeating: "{% for i in [1] %}{% set x %}", count: 8) + "{{ " + deep + " }}"
            + String(repeating: "{% endset %}{% endfor %}", count: 8) + "{% endmacro %}{{ m(1) }}"
        #expect(Self.onSmallStack { Self.outcome(source) }?.kind == .limit)
    }
}
