import MillraceCore

/// How calls are carried out.
extension ToolLoop {
    /// Carries out the calls of one answer, several at once, and emits each result as it comes.
    /// - Parameter refusal: why none is carried out; `nil`: they are.
    /// - Returns: the results, in the order of the calls.
    func perform(
        _ calls: [ToolCall], refusal: String?, _ request: TaskRequest, _ context: RunContext
    ) async throws -> [ToolReturn] {
        var results: [ToolReturn?] = Array(repeating: nil, count: calls.count)
        try await withThrowingTaskGroup(of: (Int, ToolReturn).self) { group in
            var running = 0
            func take() async throws {
                guard let (place, result) = try await group.next() else { return }
                running -= 1
                results[place] = result
                try await context.emit(.toolReturn(result))
            }
            for (place, call) in calls.enumerated() {
                let refusal = refusal ?? (place < limits.callsPerRound ? nil : tooMany)
                if let refusal {
                    let result = Self.failure(call, refusal)
                    results[place] = result
                    try await context.emit(.toolReturn(result))
                    continue
                }
                while running >= max(limits.concurrentCalls, 1) { try await take() }
                running += 1
                var call = call
                call.arguments = ToolSchema.normalized(call.arguments)
                let invocation = ToolInvocation(call: call, request: request, run: context, resultCharacters: limits.resultCharacters)
                group.addTask { (place, try await self.result(of: invocation)) }
            }
            while running > 0 { try await take() }
        }
        return results.compactMap(\.self)
    }

    private var tooMany: String { "at most \(limits.callsPerRound) calls at once are carried out: ask for this one again" }

    /// What a call gives, also when it fails.
    /// - Throws: `CancellationError` when the run is cancelled.
    private func result(of invocation: ToolInvocation) async throws -> ToolReturn {
        let call = invocation.call
        guard let tool = tools.first(where: { $0.name == call.name }) else {
            let names = tools.map(\.name)
            let meant = Suggestion.phrase(for: call.name, among: names)
            let others = meant.isEmpty ? ": there are \(names.joined(separator: ", "))" : meant
            return Self.failure(call, "there is no tool '\(call.name.prefix(64))'\(others)")
        }
        if let problem = tool.schema.problem(with: call.arguments) { return Self.failure(call, problem) }
        let seconds = tool.seconds ?? limits.seconds
        do {
            guard let value = try await value(of: tool, invocation, seconds) else {
                return Self.failure(call, "the tool took longer than \(Self.number(seconds)) seconds and was stopped")
            }
            return ToolReturn(id: call.id, name: call.name, result: bounded(value))
        } catch {
            // A tool may throw this of its own accord; the run goes on unless somebody has stopped it.
            try Task.checkCancellation()
            if let error = error as? MillraceError {
                if let cause = error.cause {
                    invocation.run.logger.warning("a tool failed", ["tool": .string(call.name), "reason": .string(cause)])
                }
                return Self.failure(call, bounded(error.message))
            }
            invocation.run.logger.error("a tool failed", ["tool": .string(call.name), "reason": .string("\(error)")])
            return Self.failure(call, "the tool failed")
        }
    }

    /// What a tool returns; `nil`: its time was over before.
    private func value(of tool: Tool, _ invocation: ToolInvocation, _ seconds: Double) async throws -> JSONValue? {
        let wait = wait
        return try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            group.addTask { try await tool.body(invocation.call.arguments, invocation) }
            group.addTask {
                try await wait(seconds)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// A result that is not too long: text is cut, anything else is cut as the text of its JSON.
    private func bounded(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): return .string(bounded(text))
        default:
            let text = value.text
            return text.unicodeScalars.count <= limits.resultCharacters ? value : .string(bounded(text))
        }
    }

    private func bounded(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let count = scalars.count
        guard count > limits.resultCharacters else { return text }
        let kept = String(String.UnicodeScalarView(scalars.prefix(limits.resultCharacters)))
        return kept + "\n[cut: \(limits.resultCharacters) of \(count) characters]"
    }

    private static func failure(_ call: ToolCall, _ reason: String) -> ToolReturn {
        ToolReturn(id: call.id, name: call.name, result: .string(reason), isError: true)
    }

    private static func number(_ seconds: Double) -> String {
        seconds == seconds.rounded() && seconds < 1e9 ? "\(Int(seconds))" : "\(seconds)"
    }
}
