import Glibc

/// The entry that this process runs, by the variable `MILLRACE_FUZZ_TARGET`.
private let chosen: FuzzTarget = {
    let name = getenv("MILLRACE_FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name) else {
        fatalError("MILLRACE_FUZZ_TARGET must be one of \(FuzzTarget.all.map(\.name).joined(separator: " ")), not '\(name)'")
    }
    return target
}()

/// What libFuzzer calls with each input, through the driver. A disagreement ends the process as a trap does, which libFuzzer keeps.
@_cdecl("millrace_fuzz_one_input")
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    do throws(Disagreement) {
        try chosen.check(Array(UnsafeBufferPointer(start: start, count: count)))
    } catch {
        fatalError("\(chosen.name): \(error)")
    }
}

/// Prints the names of all entries, one a line.
@_cdecl("millrace_fuzz_list")
func fuzzList() {
    for target in FuzzTarget.all { print(target.name) }
}
