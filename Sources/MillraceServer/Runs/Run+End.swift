import Millrace
import MillraceCore
import MillraceEventLoop
import MillraceHTTP

/// How a run ends: by its handler, by somebody who stops it, or without its log.
extension Run {
    /// Asks the run to stop. Any thread may call it.
    func cancel() {
        loop.perform { self.stop { $0.cancelled() } }
    }

    /// Stops the run, once it is stored. On the loop.
    func stop(_ how: @escaping (inout RunLifecycle) -> RunLifecycle.Action) {
        if handle == nil { stopBeforeStart = stopBeforeStart ?? how } else { perform(how(&lifecycle)) }
    }

    /// The server stops now. Any thread may call it.
    func stopForShutdown() {
        loop.perform { self.stop { $0.serverStopping() } }
    }

    func perform(_ action: RunLifecycle.Action) {
        switch action {
        case .none: break
        case .stopHandler:
            cancelTask()
            resumeCommitWaiters(.failure(CancellationError()))
            guardian?.judging?.cancel()
            guardian?.resumeWaiters()
            let timer = ActionTimer { [unowned self] in
                self.logger.warning(
                    "handler does not stop; its run ends without it")
                self.perform(self.lifecycle.graceExpired())
            }
            grace = timer
            loop.set(timer, after: Int64(hub.settings.cancelGraceSeconds * 1_000_000_000))
        case .end(let ending): end(ending)
        case .close:
            if let terminalBatch {
                tail.append(terminalBatch)
                for subscriber in subscribers { tell(subscriber, .ended(terminalBatch)) }
            }
            close(.ended)
        case .abandon(let error):
            logger.error(
                "run abandoned: its log cannot be stored", ["error": .string("\(error)")])
            cancelTask()
            resumeCommitWaiters(.failure(error))
            guardian?.judging?.cancel()
            guardian?.resumeWaiters()
            outcome = nil
            for subscriber in subscribers { tell(subscriber, .broken) }
            close(.broken)
        }
    }

    /// Appends the terminal events; they leave once they are committed.
    private func end(_ ending: RunLifecycle.Ending) {
        resumeCommitWaiters(.failure(CancellationError()))
        turnEnds()
        endJudging()
        let time = Timestamp.now()
        let stamp = EventStamp(time)
        let usage = usage?.value ?? .unknown
        if let error = ending.error {
            let failure = RunFailure(
                code: error.code, message: error.message, details: error.details, chatID: request.chatID,
                httpStatus: ProblemStatus.of(error.code).code)
            _ = try? log.append(Event(.error, .failure(failure)), at: stamp, isTerminal: true)
        }
        let end = ResponseEnd(status: ending.status, usage: usage, chatID: request.chatID)
        _ = try? log.append(Event(.responseEnd, .responseEnd(end)), at: stamp, isTerminal: true)
        let message = Message(
            id: responseID, chatID: request.chatID, parentID: request.message.id, role: .assistant, parts: assembler.finish(),
            createdAt: time, modelID: request.modelID, usage: usage,
            metadata: assembler.metadata.merging(PromptReference.metadata(prompts)) { $1 }, status: ending.status)
        let completion = RunCompletion(status: ending.status, endedAt: time, usage: usage, message: message)
        outcome = Outcome(completion)
        guard var batch = log.seal() else { return }
        for retraction in guardian?.retractions ?? [] { batch = batch.applying(retraction) ?? batch }
        terminalBatch = batch
        store(batch, completion: completion)
    }

    private func close(_ state: RunTail.State) {
        for timer in [alarm, grace, detachGrace] { if let timer { loop.clear(timer) } }
        (alarm, grace, detachGrace) = (nil, nil, nil)
        terminalBatch = nil
        tail.home = nil
        stages = nil
        guardian = nil
        tail.finish(state)
        let waiters = endWaiters
        endWaiters = []
        for waiter in waiters { waiter.continuation?.resume(returning: completion) }
        hub.closed(self, isBroken: state == .broken)
    }
}
