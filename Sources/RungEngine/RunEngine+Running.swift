import Glibc
import RungCore
import RungExec
import RungPlan

// What becomes of an instance that has to run: who makes its key, and what its ending means for it and for others.
extension RunEngine {
  func launch(_ instance: BuildGraph.NodeID, gpus: [String]) -> [Scheduler.Event] {
    if !hasAskedGit {
      // Now, before the first step is done: hours later it may be another commit.
      hasAskedGit = true
      let git = worker.git
      pthread_detach(WorkerPool.start { _ = git() })
    }
    do {
      let key = try keys[instance] ?? session.resolver.value.fullKey(of: instance)
      keys[instance] = key
      guard try locks.tryLock(key.digest) else {
        foreign[instance] = key.digest
        observe(.waiting(instance: session.graph.name(of: instance)))
        return [.busy(instance)]
      }
      // A worker of a run that is gone may be at it still; the fleet of this run knows those that it has taken over.
      if fleet == nil || !session.isElsewhere(step: Int(session.graph.stepOfInstance[instance])) {
        guard try strangers.tryLock(key.digest) else {
          locks.unlock(key.digest)
          foreign[instance] = key.digest
          observe(.waiting(instance: session.graph.name(of: instance)))
          return [.busy(instance)]
        }
        strangers.unlock(key.digest)
      }
      // Another process may have made it since it was checked.
      if !forced.contains(instance), !lost.contains(key.digest),
        let result = try session.lookUp(key.digest, of: instance),
        accept(instance, result)
      {
        locks.unlock(key.digest)
        made[key.digest] = result
        return [.succeeded(instance)] + release(instance)
      }
      let attempt = attempts[instance, default: 0] + 1
      attempts[instance] = attempt
      let cause = forced.contains(instance) ? "forced" : lost.contains(key.digest) ? "rebuilt" : "ran"
      var work = try session.prepare(
        instance, key: key, attempt: attempt, cause: cause, gpus: gpus)
      work.isElsewhere = fleet != nil && session.isElsewhere(step: Int(session.graph.stepOfInstance[instance]))
      let worker = worker
      let stop = stop
      let mailbox = mailbox
      pool.submit { [work] in mailbox.post(.ended(instance, worker.perform(work, stop: stop))) }
      return []
    } catch {
      mailbox.post(.fault("\(error)"))
      fates[instance] = .failed
      return [.failed(instance, retry: false)]
    }
  }

  func ended(
    _ instance: BuildGraph.NodeID, _ ending: StepWork.Ending, _ committer: Committer
  ) -> [Scheduler.Event] {
    let step = session.graph.step(of: instance)
    let name = session.graph.name(of: instance)
    guard let key = keys[instance]?.digest else { return [] }
    for event in ending.events { tell(event) }
    // Looked up before the new result takes the place of the old.
    let before = session.outputs(of: key, seeing: ending.observed)
    committer.commit(ending.changes, unlock: [key], elsewhere: ending.isElsewhere)
    switch ending.outcome {
    case .succeeded:
      let result = KnownResult(key: key, record: ending.record ?? .empty, outputs: ending.outputs)
      if step.step.deterministic, let before, before != result.outputs {
        observe(.warning("\(name) gave other bytes than before under the same key: it is not reproducible"))
      }
      made[key] = result
      worker.earlier.note(result.outputs, of: step.path)
      lost.remove(key)
      attempts[instance] = nil
      session.resolver.value.learn(instance, result)
      // Its key may have been formed from other bytes when it runs again; keys of dependents are formed anew then.
      keys[instance] = nil
      fates[instance] = .ran
      give(result, of: instance)
      observe(.stepSucceeded(instance: name, step: step.path, duration: ending.duration, record: result.record))
      return [.succeeded(instance)] + release(instance)
    case .failed(let failure):
      let attempt = attempts[instance, default: 1]
      if attempt <= step.step.retries, !stop.isRequested, !scheduler.isStopped, !failure.isMachineFault {
        observe(.retrying(instance: name, attempt: attempt + 1, of: step.step.retries + 1, problem: failure.problem))
        return [.failed(instance, retry: true)]
      }
      fates[instance] = .failed
      observe(.stepFailed(failure))
      if failure.isMachineFault { summary.fault = summary.fault ?? failure.problem }
      return [.failed(instance, retry: false)] + release(instance)
    case .inputsLost(let makers):
      let unexpected = makers.filter { !isPassing($0) }
      if !unexpected.isEmpty {
        let names = unexpected.prefix(3).map(session.graph.name(of:)).joined(separator: ", ")
        observe(
          .warning(
            "results of \(names)\(unexpected.count > 3 ? " and others" : "") are missing or damaged in the cache; they are \(exchange == nil ? "" : "fetched, or ")made again"
          ))
      }
      for maker in makers {
        if let key = session.resolver.value.results[maker]?.key { lost.insert(key) }
      }
      attempts[instance, default: 1] -= 1
      keys[instance] = nil
      return [.inputsLost(instance, makers: makers)] + release(instance)
    case .interrupted:
      fates[instance] = .skipped
      return [.failed(instance, retry: false)] + release(instance)
    }
  }

  // An instance does not make its key any more: those who waited for it look again.
  func release(_ instance: BuildGraph.NodeID) -> [Scheduler.Event] {
    guard let key = claims.removeValue(forKey: instance) else { return [] }
    inFlight[key] = nil
    return (sameKey.removeValue(forKey: key) ?? []).filter { scheduler.state(of: $0) == .held }.map { .released($0) }
  }

  func freedElsewhere() -> [Scheduler.Event] {
    guard !foreign.isEmpty else { return [] }
    var events: [Scheduler.Event] = []
    for (instance, key) in foreign {
      guard let free = try? locks.tryLock(key), free else { continue }
      locks.unlock(key)
      if fleet == nil {
        guard let left = try? strangers.tryLock(key), left else { continue }
        strangers.unlock(key)
      }
      foreign[instance] = nil
      guard scheduler.state(of: instance) == .held else { continue }
      events += [.released(instance)] + release(instance)
    }
    return events
  }
}
