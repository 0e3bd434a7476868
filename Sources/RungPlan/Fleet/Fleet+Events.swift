extension Fleet {
  /// Takes in what happened and says what to do, in order. Allocations are asked for and given up when time goes by
  /// (`tick`), so that what is wanted in one moment is asked for together. `now` is in nanoseconds of any clock that goes on evenly, the
  /// same for all calls.
  public mutating func handle(_ event: Event, now: Int64) -> [Command] {
    var commands: [Command] = []
    var isTick = false
    switch event {
    case .wanted(let id, let need):
      guard tasks[id] == nil else { break }
      tasks[id] = Task(need: need)
      waiting.append(id)
    case .found(let id, let need, let job, let gpus):
      guard tasks[id] == nil, jobs[job] != nil else { break }
      tasks[id] = Task(need: need)
      occupy(job, with: id, gpus: gpus)
    case .unwanted(let id):
      guard let task = tasks[id], !task.isUnwanted else { break }
      if let job = task.job {
        tasks[id]?.isUnwanted = true
        commands.append(.revoke(id, job))
      } else {
        waiting.removeAll { $0 == id }
        tasks[id] = nil
      }
    case .ended(let id):
      vacate(id, now)
      waiting.removeAll { $0 == id }
      tasks[id] = nil
    case .spoiled(let id, let reason):
      guard let job = tasks[id]?.job else { break }
      vacate(id, now)
      if jobs[job]?.isRetiring == false {
        jobs[job]?.isRetiring = true
        commands.append(.retire(job))
      }
      tasks[id]?.losses += 1
      if tasks[id]?.isUnwanted == true || tasks[id]?.losses ?? 0 >= limits.losses {
        tasks[id] = nil
        commands.append(.fail(id, reason))
      } else {
        waiting.insert(id, at: 0)
      }
    case .submitted(let ticket, let ids):
      guard let made = tickets.removeValue(forKey: ticket) else { break }
      for id in ids where jobs[id] == nil { jobs[id] = Job(allocation: made.allocation, ticket: ticket) }
    case .refused(let ticket, let reason):
      guard let made = tickets.removeValue(forKey: ticket) else { break }
      refuse(made.allocation, reason, &commands)
    case .discovered(let id, let allocation):
      if jobs[id] == nil { jobs[id] = Job(allocation: allocation) }
    case .appeared(let id, let worker):
      stillborn = []
      var job = jobs[id] ?? Job(allocation: Allocation(size: worker.size, time: limits.time))
      guard job.worker == nil else { break }
      job.worker = worker
      job.free = worker.size
      job.gpus = worker.gpus
      job.free.gpus = worker.gpus.count
      job.idleSince = now
      jobs[id] = job
    case .gone(let id, let loss, let reason): lose(id, loss, reason, &commands)
    case .tick: isTick = true
    }
    place(now, &commands)
    if isTick {
      grow(&commands)
      shrink(now, &commands)
    }
    return commands
  }

  // MARK: what is taken and given back

  mutating func occupy(_ id: JobID, with task: TaskID, gpus: [String]) {
    guard let need = tasks[task]?.need.size else { return }
    tasks[task]?.job = id
    tasks[task]?.gpus = gpus
    jobs[id]?.tasks.insert(task)
    jobs[id]?.free.cpus -= need.cpus
    jobs[id]?.free.memory -= need.memory
    jobs[id]?.gpus.removeAll { gpus.contains($0) }
    jobs[id]?.free.gpus -= gpus.count
  }

  private mutating func vacate(_ id: TaskID, _ now: Int64) {
    guard let task = tasks[id], let job = task.job else { return }
    tasks[id]?.job = nil
    guard var place = jobs[job] else { return }
    place.tasks.remove(id)
    place.free.cpus += task.need.size.cpus
    place.free.memory += task.need.size.memory
    place.gpus = (place.gpus + task.gpus).sorted()
    place.free.gpus += task.gpus.count
    if place.tasks.isEmpty { place.idleSince = now }
    jobs[job] = place
  }

  // MARK: what goes wrong

  private mutating func lose(_ id: JobID, _ loss: Loss, _ reason: String, _ commands: inout [Command]) {
    guard let job = jobs.removeValue(forKey: id) else { return }
    if job.worker == nil, !job.isRetiring {
      stillborn.insert(job.ticket)
      if stillborn.count > limits.losses {
        stillborn = []
        for task in waiting where job.allocation.task == nil || job.allocation.task == task {
          tasks[task] = nil
          commands.append(.fail(task, "no worker came to be: \(reason)"))
        }
        waiting.removeAll { tasks[$0] == nil }
      }
    }
    var again: [TaskID] = []
    for task in job.tasks.sorted() {
      guard var lost = tasks[task] else { continue }
      lost.job = nil
      lost.gpus = []
      if lost.isUnwanted {
        tasks[task] = nil
        commands.append(.fail(task, reason))
        continue
      }
      // A worker with nothing to do that ends just as it gets a step has not failed the step.
      if loss == .left || lost.need.resumes && (loss == .time || loss == .preempted) {
        lost.interruptions += 1
      } else {
        lost.losses += 1
        // A longer one next time.
        if loss == .time { lost.need.time = max(lost.need.time ?? 0, 2 * limits.time) }
      }
      if lost.losses >= allowed(loss) || lost.interruptions > limits.interruptions {
        tasks[task] = nil
        commands.append(.fail(task, Self.sentence(loss, reason, times: lost.losses + lost.interruptions)))
      } else {
        tasks[task] = lost
        again.append(task)
      }
    }
    waiting = again + waiting
  }

  // More memory or time than there was will be wanted again.
  private func allowed(_ loss: Loss) -> Int { loss == .memory || loss == .time ? min(2, limits.losses) : limits.losses }

  private static func sentence(_ loss: Loss, _ reason: String, times: Int) -> String {
    let count = times == 1 ? "once" : times == 2 ? "twice" : "\(times) times"
    switch loss {
    case .memory:
      return
        "its worker ran out of memory \(count): \(reason). Give the step `resources: {memory: …}`, so that it gets a worker that has as much"
    case .time:
      return
        "the time of its worker was over \(count): \(reason). Give the step a `timeout`, by which it gets an allocation that is long enough, or `keep` its checkpoints"
    case .left, .machine, .preempted: return "its worker was lost \(count): \(reason)"
    }
  }

  private mutating func refuse(_ allocation: Allocation, _ reason: String, _ commands: inout [Command]) {
    let affected = waiting.filter { task in
      guard let need = tasks[task]?.need else { return false }
      return allocation.task.map { $0 == task } ?? !isSeparate(need)
    }
    for task in affected {
      tasks[task] = nil
      commands.append(.fail(task, reason))
    }
    waiting.removeAll { tasks[$0] == nil }
  }
}
