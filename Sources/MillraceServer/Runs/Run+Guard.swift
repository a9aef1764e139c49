import Millrace
import MillraceCore
import MillraceEventLoop

/// A run whose guardrail judges behind its readers. On the run's loop.
extension Run {
    /// Appends an event that the stages have let through, and what the guard makes of it.
    func append(_ event: Event, guardedBy guardian: RunGuard) async throws {
        try guardian.machine.checkRoom(for: event)
        let (actions, event) = guardian.machine.willAppend(event)
        try await perform(actions, of: guardian)
        if let event {
            try await room()
            try checkAccepting()
            try append(event)
            try await perform(guardian.machine.appended(event, sequence: log.lastSequence), of: guardian)
        }
        askJudge()
    }

    /// Waits while the text runs too far ahead of the judge. Not between `emit` and the log, where answers are waited for as well.
    func waitForJudge() async throws {
        while let guardian, guardian.machine.mustWait {
            try checkAccepting()
            await withUnsafeContinuation { guardian.waiters.append($0) }
        }
    }

    /// Nothing more comes for a block.
    func endJudgedBlock(_ block: Int) async throws {
        guard let guardian else { return }
        try await perform(guardian.machine.end(block: block), of: guardian)
        askJudge()
    }

    /// The handler has returned: waits until all is judged.
    func finishJudging(_ stages: RunStages) async throws {
        guard let guardian else { return }
        try await stages.exclusively { try await self.perform(guardian.machine.endAll(), of: guardian) }
        askJudge()
        // A run that closes meanwhile has let go of its guard, and asks nothing more.
        while self.guardian === guardian, let judging = guardian.judging {
            await judging.value
            askJudge()
        }
        try checkAccepting()
        guard !guardian.masked.isEmpty else { return }
        try await room()
        try checkAccepting()
        try append(.metadata(["guardrail": ["masked": .object(guardian.masked.mapValues { .integer($0) })]]))
    }

    /// The guardrail has stepped in where the answer is made.
    func endBlocked() async throws {
        guard let stages else { return }
        guard loop.isCurrent else {
            return try await Task(executorPreference: executor) { try await self.endBlocked() }.value
        }
        try await stages.exclusively {
            try await room()
            try checkAccepting()
            try append(.status("blocked", message: hub.configurations.blockedMessage(of: handler.name)))
            perform(lifecycle.stageEnded(.blocked))
        }
        throw CancellationError()
    }

    // MARK: The judge

    private func askJudge() {
        guard let guardian, let judge = guardian.judge, guardian.judging == nil, lifecycle.acceptsEvents,
            let question = guardian.machine.nextQuestion()
        else { return }
        guardian.judging = Task(executorPreference: executor) {
            var next: RetractingGuard.Question? = question
            while let question = next { next = await self.ask(judge, question) }
            guardian.judging = nil
            guardian.resumeWaiters()
        }
    }

    /// Asks once, and does what follows of the answer.
    /// - Returns: the next question.
    private func ask(_ judge: any TextGuard, _ question: RetractingGuard.Question) async -> RetractingGuard.Question? {
        let verdict: Result<TextGuardVerdict, any Error>
        do { verdict = .success(try await judge.check(question.text, side: .output)) } catch { verdict = .failure(error) }
        guard let guardian, let stages else { return nil }
        do {
            try await stages.exclusively {
                guard self.lifecycle.acceptsEvents else { return }
                switch verdict {
                case .success(let verdict): try await self.perform(guardian.machine.judged(verdict), of: guardian)
                case .failure(let error):
                    self.logger.warning("a guardrail cannot be asked: what it has not judged is taken back", ["error": .string("\(error)")])
                    // Closed, and not open: nothing stays that nobody has judged.
                    try await self.perform(guardian.machine.abandonAll(), of: guardian)
                    throw error
                }
            }
        } catch {
            perform(lifecycle.guardFailed(error))
        }
        guardian.resumeWaiters()
        return lifecycle.acceptsEvents ? guardian.machine.nextQuestion() : nil
    }

    // MARK: What the guard asks for

    /// Takes texts back at once, and appends in order what the guard asks for.
    private func perform(_ actions: [RetractingGuard.Action], of guardian: RunGuard) async throws {
        guardian.outbox += actions
        for case .retract(let notice, let kept) in actions { takeBack(notice.retraction, keeping: kept) }
        while let action = guardian.outbox.first {
            try await room()
            try checkAccepting()
            guardian.outbox.removeFirst()
            try append(action, of: guardian, isTerminal: false)
            guard case .end = action else { continue }
            perform(lifecycle.stageEnded(.blocked))
            throw CancellationError()
        }
    }

    /// The run ends: what is not judged is taken back, and the rest of what the guard has asked for goes into the terminal batch.
    func endJudging() {
        guard let guardian else { return }
        guardian.judging?.cancel()
        for action in guardian.outbox { try? append(action, of: guardian, isTerminal: true) }
        guardian.outbox = []
        for action in guardian.machine.abandonAll() {
            if case .retract(let notice, let kept) = action { hide(notice.retraction, keeping: kept) }
            try? append(action, of: guardian, isTerminal: true)
        }
        guardian.resumeWaiters()
    }

    private func append(_ action: RetractingGuard.Action, of guardian: RunGuard, isTerminal: Bool) throws {
        switch action {
        case .retract(let notice, _):
            // Told, however full the log is.
            try append(.retracted(notice), isTerminal: true)
            guardian.retractions.append(notice.retraction)
        case .send(let event):
            try append(event, isTerminal: isTerminal)
            if let block = event.contentBlockIndex { guardian.machine.sent(block: block, sequence: log.lastSequence) }
        case .end(let message): try append(.status("blocked", message: message), isTerminal: isTerminal)
        }
    }

    /// From now on no reader gets the text; the store takes it back in the commit that says so.
    private func takeBack(_ retraction: Retraction, keeping kept: KeptBytes) {
        if let batch = log.seal() { publish(batch.applying(retraction) ?? batch) }
        hide(retraction, keeping: kept)
    }

    private func hide(_ retraction: Retraction, keeping kept: KeptBytes) {
        tail.retract(retraction)
        for subscriber in subscribers { tell(subscriber, .retracted(retraction)) }
        if let block = retraction.contentBlockIndex { assembler.retract(block: block, keeping: kept) }
    }
}
