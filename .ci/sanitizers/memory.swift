// What AddressSanitizer must find; `.ci/sanitize address` runs it with each argument.
//
//   leak         memory that nothing points to when the process ends
//   use          memory that is read after it was given back
//   none         nothing
let mode = CommandLine.arguments.dropFirst().first ?? "none"

@inline(never) func allocate() -> UnsafeMutablePointer<Int> {
    let memory = UnsafeMutablePointer<Int>.allocate(capacity: 1000)
    memory.initialize(repeating: 1, count: 1000)
    return memory
}

@inline(never) func overwriteStack(_ depth: Int) -> Int { depth == 0 ? 0 : overwriteStack(depth - 1) + depth }

switch mode {
case "leak":
    _ = allocate()
    _ = overwriteStack(100)
case "use":
    let memory = allocate()
    memory.deallocate()
    print(memory[7])
default: break
}
