import RungCore
import RungExec
import RungLedger
import RungModel
import RungPlan
import RungRemote

// Results that others have made: asked for before a step runs, given after it has run. Nothing waits for a remote but the
// instances whose results it may have, and those not for long.
extension RunEngine {
  /// Asks the remotes for a result; false when there is nobody to ask, or they have been asked.
  func askForResult(_ key: Digest, _ instance: BuildGraph.NodeID) -> Bool {
    guard let exchange, exchange.begin(key, .result, instance) else { return false }
    return goOn(key, exchange)
  }

  /// Asks the remotes for bytes of a known result that are gone; false as above.
  func askForBytes(_ result: KnownResult, _ instance: BuildGraph.NodeID) -> Bool {
    guard let exchange else { return false }
    let missing = session.wanted(result.outputs, of: instance).filter { !session.holds($0) }
    guard !missing.isEmpty, exchange.begin(result.key, .bytes(result, missing), instance) else { return false }
    return goOn(result.key, exchange)
  }

  private func goOn(_ key: Digest, _ exchange: RemoteExchange) -> Bool {
    guard let question = exchange.questions[key] else { return false }
    if question.ticket != 0 || exchange.ask(key, from: 0) { return true }
    exchange.questions[key] = nil
    return false
  }

  /// How long to wait for messages, in milliseconds; nil for as long as it takes.
  var attention: Int? {
    if !foreign.isEmpty { return 20 }
    return exchange?.questions.isEmpty == false ? 100 : nil
  }

  func answered(_ reply: RemoteExchange.Reply, _ committer: Committer) -> [Scheduler.Event] {
    guard let exchange, let question = exchange.question(for: reply) else { return [] }
    let desk = exchange.desks[question.remote]
    switch reply.reply {
    case .answer(let answer):
      for refusal in answer.refusals { tell(refusal, question, desk) }
      exchange.questions[question.key]?.offers = answer.offers[...]
      return tryNextOffer(question.key, exchange)
    case .taken(let fetched):
      committer.commit(fetched.changes(project: session.projectName))
      let result = KnownResult(key: fetched.key, record: fetched.record, outputs: fetched.outputs)
      made[fetched.key] = result
      lost.remove(fetched.key)
      exchange.sources[fetched.key] = (desk.cache.name, fetched.signedBy)
      return letGo(question.key, exchange)
    case .restored:
      if case .bytes(let result, _) = question.purpose {
        // With a commit they become durable.
        var changes = LedgerChanges()
        changes.uses = [UseRow(record: result.record, at: Clock.now())]
        committer.commit(changes)
        exchange.sources[question.key] = (desk.cache.name, nil)
      }
      return letGo(question.key, exchange)
    case .refused(let refusal):
      // That a remote has not what another one had is no news.
      if case .bytes = question.purpose, case .incomplete = refusal {} else { tell(refusal, question, desk) }
      return tryNextOffer(question.key, exchange)
    case .failed(let error):
      if let warning = desk.note({ $0.failed(error, .reading) }) { observe(.warning(warning)) }
      return askNext(question, exchange)
    case .fault(let problem):
      if let warning = desk.note({ $0.say("what came from the remote \(desk.cache.name) cannot be kept: \(problem)") })
      {
        observe(.warning(warning))
      }
      return askNext(question, exchange)
    }
  }

  // Of what is offered the newest whose observed files are as they are here, and that was watched as closely as it would be
  // here.
  private func tryNextOffer(_ key: Digest, _ exchange: RemoteExchange) -> [Scheduler.Event] {
    guard let question = exchange.questions[key], let instance = question.instances.first else { return [] }
    let required = session.requiredLevel(ofStep: Int(session.graph.stepOfInstance[instance]))
    while let offer = exchange.questions[key]?.offers.popFirst() {
      session.checker.value.forgetMissing(offer.record.observed)
      guard (WatchLevel(rawValue: offer.record.watch) ?? .declared) >= required,
        session.checker.value.isCurrent(offer.record.observed, &session.resolver.value.files)
      else { continue }
      exchange.take(offer, passing: session.graph.step(of: instance).step.passing)
      return []
    }
    return askNext(question, exchange)
  }

  private func askNext(_ question: RemoteExchange.Question, _ exchange: RemoteExchange) -> [Scheduler.Event] {
    exchange.ask(question.key, from: question.remote + 1) ? [] : letGo(question.key, exchange)
  }

  // Those who waited look again.
  private func letGo(_ key: Digest, _ exchange: RemoteExchange) -> [Scheduler.Event] {
    let waiting = exchange.questions.removeValue(forKey: key)?.instances ?? []
    return waiting.filter { scheduler.state(of: $0) == .held }.map { .released($0) }
  }

  /// Leaves alone what does not answer.
  func giveUpOnSlowRemotes() -> [Scheduler.Event] {
    guard let exchange, !exchange.questions.isEmpty else { return [] }
    var events: [Scheduler.Event] = []
    let now = Clock.monotonic()
    // Not at each of a thousand messages.
    guard now - exchange.lookedAt > 50_000_000 else { return [] }
    exchange.lookedAt = now
    for remote in exchange.overdue(now: now) {
      let desk = exchange.desks[remote]
      let seconds = Int(exchange.patience / 1_000_000_000)
      if let warning = desk.note({ $0.overdue(desk.cache.name, seconds: seconds) }) { observe(.warning(warning)) }
      for question in exchange.questions.values where question.remote == remote {
        events += askNext(question, exchange)
      }
    }
    return events
  }

  private func tell(_ refusal: ResultPuller.Refusal, _ question: RemoteExchange.Question, _ desk: RemoteDesk) {
    guard let instance = question.instances.first else { return }
    let name = session.graph.name(of: instance)
    if let warning = desk.note({ $0.tell(refusal, of: name, at: desk.cache.name) }) { observe(.warning(warning)) }
  }

  /// Tells that a result came from elsewhere, once for each instance.
  func noteFetched(_ instance: BuildGraph.NodeID, _ result: KnownResult) {
    guard let exchange, let source = exchange.sources[result.key], exchange.fetched.insert(instance).inserted else {
      return
    }
    observe(
      .fetched(
        instance: session.graph.name(of: instance), from: source.remote, by: source.by, record: result.record))
  }

  /// Gives a result that was just made to the remotes, some time later.
  func give(_ result: KnownResult, of instance: BuildGraph.NodeID) {
    guard let exchange else { return }
    if !exchange.hasSigner, let desk = exchange.desks.first(where: \.cache.pushes),
      let warning = desk.note({
        $0.say(
          "results are not given to the remote \(desk.cache.name): there is no key to sign them with; `rung key new` makes one"
        )
      })
    {
      observe(.warning(warning))
    }
    let passing = session.graph.step(of: instance).step.passing
    for writer in exchange.writers { writer.add(result.key, result.record, passing: passing) }
    tellOfWriters(exchange)
  }

  private func tellOfWriters(_ exchange: RemoteExchange) {
    for writer in exchange.writers { for warning in writer.takeWarnings() { observe(.warning(warning)) } }
  }

  /// At the end: waits for what is still to be given, but not for ever, and not after an interruption.
  func closeRemotes(began: Int64, lingering: Int64) {
    guard let exchange else { return }
    let start = Clock.monotonic()
    let until = start + max(lingering, start - began)
    var told = (left: 0, at: start)
    while true {
      let busy = exchange.writers.filter { $0.left > 0 }
      tellOfWriters(exchange)
      let now = Clock.monotonic()
      guard !busy.isEmpty, !summary.interrupted, now < until,
        busy.contains(where: { now - $0.desk.lastSign < exchange.patience })
      else { break }
      let left = busy.map(\.left).reduce(0, +)
      if now - told.at > 1_000_000_000, left != told.left {
        observe(.giving(left: left))
        told = (left, now)
      }
      for message in mailbox.take(milliseconds: 20) { if case .interrupt = message { summary.interrupted = true } }
    }
    for writer in exchange.writers {
      let missing = writer.left
      let name = writer.desk.cache.name
      if missing > 0 {
        observe(
          .warning(
            "\(missing == 1 ? "1 result was" : "\(missing) results were") not given to the remote \(name) in time; `rung cache push` gives what is missing"
          ))
      }
      writer.close()
    }
    for desk in exchange.desks { desk.close() }
    summary.fetched = exchange.fetched.count
  }
}
