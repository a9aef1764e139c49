import Glibc
import MillraceCore

/// Which calls are made to fail, and how.
struct FaultRule: Sendable {
    /// In which step; `nil`: in all.
    var step: Int?
    /// Which call; `nil`: every one.
    var call: Int?
    /// About what; `nil`: whatever.
    var target: Int?
    /// The first that fails, counted from 1 in each step for each call and target.
    var first = 1
    /// How many fail.
    var count = 1
    var failure: Failure
}

/// The memory that a test shares with the library in a server's process: it says what fails, and counts what is called.
///
/// `@unchecked Sendable`: words of shared memory; the other process counts with atomic instructions, and the rules are set before they count.
final class FaultControl: @unchecked Sendable {
    let path: String
    let library: FaultLibrary
    private let words: UnsafeMutablePointer<UInt64>

    // Places of `struct fault_control` in `Library/faults.h`, in words.
    private static let (version, step, port, hits, ruleCount, rules, ruleWords, mostRules) = (0, 1, 2, 3, 4, 8, 7, 16)
    static let mostSteps = 16
    private static let any: UInt64 = 0xFFFF
    private static let counts = rules + mostRules * ruleWords

    init() throws {
        library = try FaultLibrary.shared.get()
        path = TestFiles.temporaryPath("control")
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0, ftruncate(descriptor, off_t(library.controlBytes)) == 0 else { throw ClientFailure("cannot make \(path)") }
        defer { close(descriptor) }
        let block = mmap(nil, library.controlBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let block, block != MAP_FAILED else { throw ClientFailure("cannot map \(path)") }
        words = block.assumingMemoryBound(to: UInt64.self)
        words[Self.version] = 1
    }

    deinit {
        munmap(words, library.controlBytes)
        unlink(path)
    }

    /// The step that the server is in; counting begins anew in each.
    var step: Int {
        get { Int(words[Self.step]) }
        set { words[Self.step] = UInt64(newValue) }
    }
    /// Where the server listens; 0 before that.
    var port: Int { Int(words[Self.port]) }
    /// How many calls were made to fail.
    var hits: Int { Int(words[Self.hits]) }

    /// Adds a rule; of several that fit a call the first counts.
    func add(_ rule: FaultRule) {
        let index = Int(words[Self.ruleCount])
        precondition(index < Self.mostRules)
        let place = words + Self.rules + index * Self.ruleWords
        place[0] = rule.step.map { UInt64($0) } ?? Self.any
        place[1] = rule.call.map { UInt64($0) } ?? Self.any
        place[2] = rule.target.map { UInt64($0) } ?? Self.any
        place[3] = UInt64(rule.first)
        place[4] = rule.count == .max ? .max : UInt64(rule.count)
        place[5] = rule.failure.kind.rawValue
        place[6] = rule.failure.value
        words[Self.ruleCount] = UInt64(index + 1)
    }

    /// Adds a rule by names.
    func add(
        _ failure: Failure, call: String, target: String? = nil, step: Int? = nil, first: Int = 1, count: Int = .max
    ) {
        add(
            FaultRule(
                step: step, call: library.calls.firstIndex(of: call), target: target.flatMap { library.targets.firstIndex(of: $0) },
                first: first, count: count, failure: failure))
    }

    /// Nothing fails any more.
    func lift() { words[Self.ruleCount] = 0 }

    /// How often a call was made in a step.
    func count(step: Int, call: Int, target: Int) -> Int {
        Int(words[Self.counts + (step * library.calls.count + call) * library.targets.count + target])
    }

    /// How often a call was made in a step, whatever it was about.
    func count(step: Int, call: String) -> Int {
        guard let call = library.calls.firstIndex(of: call) else { return 0 }
        return library.targets.indices.reduce(0) { $0 + count(step: step, call: call, target: $1) }
    }
}
