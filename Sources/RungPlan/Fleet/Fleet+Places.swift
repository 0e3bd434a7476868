extension Fleet {
  // Steps that wait go to workers that have room, the fullest that still fits first, so that others can end.
  mutating func place(_ now: Int64, _ commands: inout [Command]) {
    guard !waiting.isEmpty, jobs.values.contains(where: { $0.worker != nil && !$0.isRetiring }) else { return }
    var left: [TaskID] = []
    // What had no place with such a need has none now.
    var hopeless: Set<Need> = []
    for task in waiting {
      guard let need = tasks[task]?.need else { continue }
      let own = isSeparate(need)
      guard own || !hopeless.contains(need), let id = room(for: task, need, separate: own, now) else {
        if !own { hopeless.insert(need) }
        left.append(task)
        continue
      }
      let gpus = Array((jobs[id]?.gpus ?? []).prefix(need.size.gpus))
      occupy(id, with: task, gpus: gpus)
      commands.append(.assign(task, id, gpus: gpus))
    }
    waiting = left
  }

  private func room(for task: TaskID, _ need: Need, separate: Bool, _ now: Int64) -> JobID? {
    var best: (id: JobID, cpus: Int)?
    for (id, job) in jobs {
      guard let worker = job.worker, !job.isRetiring else { continue }
      guard separate ? job.allocation.task == task : job.allocation.task == nil else { continue }
      guard need.size.cpus <= job.free.cpus, need.size.gpus <= job.gpus.count,
        worker.size.memory == 0 || need.size.memory <= job.free.memory
      else { continue }
      // Of a step of which nobody knows how long it takes, one hopes that a tenth of a worker's time is enough.
      guard worker.until - now >= need.time ?? limits.time / 10 else { continue }
      if let best, (best.cpus, best.id) < (job.free.cpus, id) { continue }
      best = (id, job.free.cpus)
    }
    return best?.id
  }

  // As many allocations are asked for as the steps that wait would fill beside those that are asked for already.
  mutating func grow(_ commands: inout [Command]) {
    guard !waiting.isEmpty else { return }
    var room = limits.workers - jobs.values.count { !$0.isRetiring } - tickets.values.reduce(0) { $0 + $1.count }
    var own = Set(tickets.values.compactMap(\.allocation.task))
    own.formUnion(jobs.values.compactMap { $0.worker == nil ? $0.allocation.task : nil })
    var bins = [Size](
      repeating: limits.worker,
      count: jobs.values.count { $0.worker == nil && $0.allocation.task == nil && !$0.isRetiring }
        + tickets.values.reduce(0) { $0 + ($1.allocation.task == nil ? $1.count : 0) })
    var first = 0
    var new = 0
    for task in waiting where room > 0 {
      guard let need = tasks[task]?.need else { continue }
      if isSeparate(need) {
        if own.contains(task) { continue }
        room -= 1
        // Some time more than it may take, for its inputs and outputs.
        let time = max(limits.time, (need.time ?? 0) + Self.margin)
        submit(Allocation(size: need.size.alone(beside: limits.worker), time: time, task: task), 1, &commands)
        continue
      }
      while first < bins.count, bins[first].cpus == 0 { first += 1 }
      if let bin = bins.indices.dropFirst(first).first(where: { need.size.fits(in: bins[$0], counting: limits.worker) })
      {
        bins[bin].take(need.size)
      } else {
        room -= 1
        new += 1
        bins.append(limits.worker)
        bins[bins.count - 1].take(need.size)
      }
    }
    if new > 0 { submit(Allocation(size: limits.worker, time: limits.time), new, &commands) }
  }

  // A minute.
  private static let margin: Int64 = 60_000_000_000

  private mutating func submit(_ allocation: Allocation, _ count: Int, _ commands: inout [Command]) {
    lastTicket += 1
    tickets[lastTicket] = (allocation, count)
    commands.append(.submit(lastTicket, allocation, count: count))
  }

  // Workers with nothing to do end after a while, and so do allocations that nobody waits for any more.
  mutating func shrink(_ now: Int64, _ commands: inout [Command]) {
    for (id, job) in jobs.sorted(by: { $0.key < $1.key }) {
      guard let worker = job.worker, !job.isRetiring, job.tasks.isEmpty else { continue }
      let isOver = job.allocation.task.map { tasks[$0] == nil } ?? false
      let isIdle = now - job.idleSince >= limits.idle
      let isSpent = worker.until - now < limits.time / 10 && now - job.idleSince > 0
      guard isOver || isIdle || isSpent else { continue }
      jobs[id]?.isRetiring = true
      commands.append(.retire(id))
    }
    let surplus = jobs.filter { _, job in
      guard job.worker == nil, !job.isRetiring else { return false }
      return job.allocation.task.map { tasks[$0] == nil } ?? waiting.isEmpty
    }
    guard !surplus.isEmpty else {
      surplusSince = nil
      return
    }
    guard let since = surplusSince else {
      surplusSince = now
      return
    }
    guard now - since >= limits.idle else { return }
    surplusSince = nil
    for id in surplus.keys { jobs[id]?.isRetiring = true }
    commands.append(.cancel(surplus.keys.sorted()))
  }
}

extension Fleet.Size {
  fileprivate mutating func take(_ need: Fleet.Size) {
    cpus -= need.cpus
    memory -= need.memory
    gpus -= need.gpus
  }

  // Of what is left of `whole`.
  fileprivate func fits(in rest: Fleet.Size, counting whole: Fleet.Size) -> Bool {
    cpus <= rest.cpus && gpus <= rest.gpus && (whole.memory == 0 || memory <= rest.memory)
  }

  // What a step of its own is given: what it needs, and the memory of a worker where it says nothing of it.
  fileprivate func alone(beside worker: Fleet.Size) -> Fleet.Size {
    Fleet.Size(cpus: cpus, memory: memory == 0 ? worker.memory : memory, gpus: gpus)
  }
}
