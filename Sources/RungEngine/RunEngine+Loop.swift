import RungCore
import RungLedger
import RungPlan

// What happens next: messages of workers become events of the scheduler, whose commands are performed.
extension RunEngine {
  /// Runs until everything is done, failed or skipped. Call once. Never throws for a step that fails: that is in the
  /// summary, and so is a machine that does (`fault`).
  public func run() -> RunSummary {
    let began = Clock.monotonic()
    let startedAt = Clock.now()
    let mailbox = mailbox
    let committer = Committer(store: session.store, ledger: session.ledger, locks: locks) { message in
      mailbox.post(.fault(message))
    }
    let wanted = needed[..<session.graph.instanceCount].count { $0 }
    observe(.started(run: runID, instances: wanted, jobs: jobs))
    warnOfWatch()
    process([.start], committer)
    while !finished {
      for message in mailbox.take(milliseconds: attention) {
        switch message {
        case .ended(let instance, let ending): process(ended(instance, ending, committer), committer)
        case .fault(let message):
          summary.fault = summary.fault ?? message
          stop.request()
          process([.stop], committer)
        case .remote(let reply): process(answered(reply, committer), committer)
        case .interrupt:
          summary.interrupted = true
          process([.stop], committer)
        }
      }
      process(freedElsewhere(), committer)
      process(giveUpOnSlowRemotes(), committer)
    }
    pool.close()
    count()
    summary.duration = TimeSpan(nanoseconds: Clock.monotonic() - began)
    changes.merge(session.memories())
    changes.stats += keeper.takeFresh().map { .init(project: session.projectName, entry: $0) }
    if summary.ran + summary.failed + summary.restored > 0 || !changes.isEmpty {
      if summary.ran + summary.failed + summary.restored > 0 {
        changes.runs.append(
          RunRow(
            id: runID, project: session.projectName, started: startedAt, finished: Clock.now(),
            arguments: JSON.array(options.arguments.map { .string($0) }).compact, ran: Int64(summary.ran),
            unchanged: Int64(summary.unchanged), restored: Int64(summary.restored), failed: Int64(summary.failed),
            skipped: Int64(summary.skipped), commit: nil, dirty: nil, record: note.digest))
      }
      committer.commit(changes)
    }
    if let fault = committer.close() { summary.fault = summary.fault ?? fault }
    closeRemotes(began: began, lingering: Int64(options.remotes?.lingering ?? 0) * 1_000_000)
    session.ledger.settle()
    session.store.settle()
    observe(.finished(summary))
    return summary
  }

  func count() {
    for fate in fates.values {
      switch fate {
      case .ran: summary.ran += 1
      case .unchanged: summary.unchanged += 1
      case .restored:
        summary.unchanged += 1
        summary.restored += 1
      case .failed: summary.failed += 1
      case .skipped: summary.skipped += 1
      }
    }
  }

  // A guarantee is never claimed that is not in force, and one that was asked for is not silently dropped.
  func warnOfWatch() {
    if let notice = session.watchNotice(needed) { observe(.warning(notice)) }
  }

  func process(_ events: [Scheduler.Event], _ committer: Committer) {
    var queue = events[...]
    var next: [Scheduler.Event] = []
    while let event = queue.popFirst() {
      for command in scheduler.handle(event) { perform(command, &next) }
      if queue.isEmpty {
        queue = next[...]
        next = []
      }
    }
    tellOfLost()
  }

  func perform(_ command: Scheduler.Command, _ events: inout [Scheduler.Event]) {
    switch command {
    case .check(let instances):
      events += check(instances)
    case .launch(let instance, let gpus):
      events += launch(instance, gpus: gpus)
    case .skip(let instances):
      for instance in instances {
        fates[instance] = .skipped
        foreign[instance] = nil
      }
      observe(.skipped(instances: instances.map(session.graph.name(of:))))
    case .finish: finished = true
    }
  }

  // Tells an event that a worker has left behind; a copy that could not be published makes the run fail.
  func tell(_ event: RunEvent) {
    if case .notPublished = event { summary.unpublished += 1 }
    observe(event)
  }
}
