import RungCore
import RungLedger
import RungPlan

// Whether an instance is up to date: a result under its key, whose bytes are there and whose copies are in place.
extension RunEngine {
  // From so many on it pays to look at them together.
  private static let many = 8

  func check(_ instances: [BuildGraph.NodeID]) -> [Scheduler.Event] {
    guard instances.count >= Self.many else { return instances.map(check) }
    var events: [Scheduler.Event] = []
    do {
      try session.store.together {
        try session.ledger.readingOneState { for instance in instances { events.append(check(instance)) } }
      }
      return events
    } catch {
      mailbox.post(.fault("\(error)"))
      return instances.map { .mustRun($0) }
    }
  }

  func check(_ instance: BuildGraph.NodeID) -> Scheduler.Event {
    do {
      if let settled = session.settled(instance) {
        settle(instance, settled)
        return .upToDate(instance)
      }
      let digest = try session.resolver.value.key(of: instance)
      if forced.contains(instance), made[digest] == nil { return mustRun(instance, digest) }
      guard let result = try made[digest] ?? session.lookUp(digest, of: instance) else {
        if askForResult(digest, instance) { return .busy(instance) }
        if try session.isForgotten(digest, of: instance) { lose(digest, instance) }
        return mustRun(instance, digest)
      }
      // Bytes that were lost may be back: another instance or another run has made them.
      let isGone =
        lost.contains(digest)
        ? !result.outputs.allSatisfy(session.holds) : made[digest] == nil && session.isGone(instance, result, needed)
      if !isGone, accept(instance, result) {
        lost.remove(digest)
        return .upToDate(instance)
      }
      if askForBytes(result, instance) { return .busy(instance) }
      if result.outputs.allSatisfy({ output in
        session.graph.step(of: instance).step.passing.contains(output.name) || session.holds(output)
      }) {
        lost.insert(digest)
      } else {
        lose(digest, instance)
      }
      return mustRun(instance, digest)
    } catch {
      mailbox.post(.fault("\(error)"))
      return .mustRun(instance)
    }
  }

  // A round that its loop did not need any more. What the loop publishes is published for its last round.
  private func settle(_ instance: BuildGraph.NodeID, _ result: KnownResult) {
    let ender = result.settledBy ?? instance
    let hasRun = fates[ender] == .ran
    for (output, path) in checksPublished[instance] ?? [] {
      guard let made = result.outputs.first(where: { $0.name == output }),
        session.copy(of: made, at: path, lookingAgain: true) == nil
      else { continue }
      var ending = StepWork.Ending(outcome: .succeeded)
      worker.publish(
        made, to: path, session.graph.name(of: ender), record: result.record, restored: !hasRun, &ending)
      changes.merge(ending.changes)
      for event in ending.events { tell(event) }
      if !hasRun { fates[ender] = .restored }
    }
    session.resolver.value.learn(instance, result)
    observe(.settled(instance: session.graph.name(of: instance)))
  }

  func lose(_ key: Digest, _ instance: BuildGraph.NodeID) {
    if lost.insert(key).inserted { newlyLost.append(instance) }
  }

  // One warning for all results that were looked at in one go: after a collection there may be thousands.
  func tellOfLost() {
    let names = newlyLost.map(session.graph.name(of:))
    newlyLost = []
    switch names.count {
    case 0: break
    case 1: observe(.warning("\(names[0]): its result is no longer in the cache; it is made again"))
    default:
      let shown = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and others" : "")
      observe(.warning("\(names.count) results are no longer in the cache (\(shown)); they are made again"))
    }
  }

  func mustRun(_ instance: BuildGraph.NodeID, _ key: Digest) -> Scheduler.Event {
    if inFlight[key] != nil {
      sameKey[key, default: []].append(instance)
      return .busy(instance)
    }
    inFlight[key] = instance
    claims[instance] = key
    return .mustRun(instance)
  }

  // A result from the cache: published if its copy is not, noted in the history if it is another one than last time.
  // False, and nothing is accepted, when a copy cannot be written because the bytes turn out to be gone or damaged.
  func accept(_ instance: BuildGraph.NodeID, _ result: KnownResult) -> Bool {
    let name = session.graph.name(of: instance)
    var restoredAny = false
    for (output, path) in checksPublished[instance] ?? [] {
      guard let made = result.outputs.first(where: { $0.name == output }) else { continue }
      if let copy = session.copy(of: made, at: path, lookingAgain: true) {
        // The copy is right, but it may have been put there by another execution with the same bytes, or the index that
        // knew of it may be lost.
        if session.publishedRows[path.text]?.record != result.record {
          changes.published.append(
            PublishedRow(
              project: session.projectName, path: path.text, digest: made.digest, instance: name, output: output,
              record: result.record, copy: copy.digest))
        }
        continue
      }
      var ending = StepWork.Ending(outcome: .succeeded)
      worker.publish(made, to: path, name, record: result.record, restored: true, &ending)
      if !ending.changes.displaced.isEmpty {
        // At once: only the row keeps what the user had there from being collected.
        var displaced = LedgerChanges()
        displaced.displaced = ending.changes.displaced
        try? session.ledger.commit(displaced)
      }
      if !session.holds(made) { return false }
      changes.merge(ending.changes)
      for event in ending.events {
        if case .published = event { restoredAny = true }
        tell(event)
      }
    }
    session.resolver.value.learn(instance, result)
    // It has run in this run and is looked at once more, since a reader found its bytes gone before they were made
    // again: it was told and written down as what ran.
    if fates[instance] == .ran, made[result.key]?.record == result.record { return true }
    fates[instance] = restoredAny ? .restored : .unchanged
    let last = session.latest[name]
    if restoredAny || last?.key != result.key || last?.isFailure == true {
      let isNews = last?.key != result.key || last?.isFailure == true
      let entry = HistoryEntry(
        project: session.projectName, instance: name, sequence: 0, run: runID, key: result.key, record: result.record,
        outcome: !isNews ? "restored" : exchange?.sources[result.key] != nil ? "fetched" : "cached", at: Clock.now())
      session.latest[name] = entry
      changes.history.append(entry)
    } else {
      noteUse(of: result.record, knownAt: last?.record == result.record ? last?.at : nil)
    }
    noteFetched(instance, result)
    observe(.unchanged(instance: name))
    return true
  }

  // Tells the ledger that a result was of use, once a day: that is what collecting goes by, and what is not worth a write
  // at every run.
  func noteUse(of record: Digest, knownAt: Int64?) {
    let now = Clock.now()
    if let knownAt, now - knownAt < Self.day { return }
    guard usedToday.insert(record).inserted else { return }
    changes.uses.append(UseRow(record: record, at: now))
  }

  // In nanoseconds.
  static let day: Int64 = 86_400_000_000_000
}
