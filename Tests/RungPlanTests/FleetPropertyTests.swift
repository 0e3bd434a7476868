import RungPlan
import Testing

/// A cluster drawn at random, that starts, loses and refuses what it likes: whatever happens, no step is at two workers at
/// once, no worker has more than it can hold, and every step comes to an end.
@Suite struct FleetPropertyTests {
  @Test func everyStepEndsAndIsNowhereTwice() {
    for seed in 0..<1500 {
      var world = World(UInt64(seed))
      world.run()
      #expect(world.problems == [], "seed \(seed)")
      if !world.problems.isEmpty { return }
    }
  }

  private struct World {
    var random: Seeded
    var fleet: Fleet
    let limits: Fleet.Limits
    var now: Int64 = 0
    var problems: [String] = []
    var needs: [Int: Fleet.Need] = [:]
    var executing: [Int: String] = [:]
    var finished: Set<Int> = []
    // Jobs that the cluster has, with their workers where they run.
    var jobs: [String: (allocation: Fleet.Allocation, worker: Fleet.WorkerState?)] = [:]
    var retired: Set<String> = []
    var orders: [(ticket: Int, allocation: Fleet.Allocation, count: Int)] = []
    var revoked: Set<Int> = []
    var count = 0

    init(_ seed: UInt64) {
      random = Seeded(seed)
      limits = Fleet.Limits(
        worker: Fleet.Size(
          cpus: Int.random(in: 1...4, using: &random), memory: [0, 1000].randomElement(using: &random) ?? 0,
          gpus: Int.random(in: 0...2, using: &random)),
        time: 100_000, workers: Int.random(in: 1...4, using: &random), idle: 2_000,
        separate: [nil, 50_000].randomElement(using: &random) ?? nil, losses: 3, interruptions: 5)
      fleet = Fleet(limits: limits)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func run() {
      let steps = Int.random(in: 1...30, using: &random)
      var next = 0
      for _ in 0..<4000 where problems.isEmpty {
        now += Int64.random(in: 1...400, using: &random)
        if next < steps, chance(30) {
          let need = Fleet.Need(
            size: Fleet.Size(
              cpus: Int.random(in: 1...5, using: &random), memory: Int64.random(in: 0...700, using: &random),
              gpus: Int.random(in: 0...2, using: &random)),
            time: chance(30) ? Int64.random(in: 1...200_000, using: &random) : nil, resumes: chance(20))
          needs[next] = need
          tell(.wanted(next, need))
          next += 1
        } else {
          happen()
        }
        if next == steps, finished.count == steps { return }
      }
      // From here on nothing goes wrong.
      for _ in 0..<4000 where problems.isEmpty {
        now += 200
        if finished.count == next { return }
        calm()
      }
      problems.append("\(next - finished.count) of \(next) steps never end; \(jobs.count) jobs")
    }

    mutating func happen() {
      switch Int.random(in: 0..<12, using: &random) {
      case 0..<2: answerOrder(refusing: chance(5))
      case 2..<4: begin()
      case 4..<7: end()
      case 7:
        if let id = executing.keys.sorted().randomElement(using: &random) { tell(.spoiled(id, "full")) }
      case 8:
        guard let id = needs.keys.filter({ !finished.contains($0) }).sorted().randomElement(using: &random) else {
          break
        }
        let isWaiting = executing[id] == nil
        revoked.insert(id)
        tell(.unwanted(id))
        if isWaiting { finished.insert(id) }
      case 9..<10: lose(Fleet.Loss.allCases.randomElement(using: &random) ?? .machine)
      default: tell(.tick)
      }
    }

    mutating func calm() {
      answerOrder(refusing: false)
      begin()
      end()
      for job in retired where jobs[job] != nil && !executing.values.contains(job) {
        jobs[job] = nil
        tell(.gone(job, .left, "idle"))
        break
      }
      // The time of a worker is over with nothing on it.
      for (job, state) in jobs.sorted(by: { $0.key < $1.key }) {
        guard let worker = state.worker, worker.until < now, !executing.values.contains(job) else { continue }
        jobs[job] = nil
        tell(.gone(job, .left, "over"))
        break
      }
      tell(.tick)
    }

    mutating func answerOrder(refusing: Bool) {
      guard !orders.isEmpty else { return }
      let order = orders.removeFirst()
      if refusing { return tell(.refused(order.ticket, "no")) }
      let ids = (0..<order.count).map { _ in
        count += 1
        return "\(count)"
      }
      for id in ids { jobs[id] = (order.allocation, nil) }
      tell(.submitted(order.ticket, jobs: ids))
    }

    mutating func begin() {
      let idle = jobs.filter { $0.value.worker == nil }.keys.sorted()
      guard let id = idle.randomElement(using: &random), let allocation = jobs[id]?.allocation else { return }
      let state = Fleet.WorkerState(
        size: allocation.size, gpus: (0..<allocation.size.gpus).map { "\($0)" }, until: now + allocation.time)
      jobs[id]?.worker = state
      tell(.appeared(id, state))
    }

    mutating func end() {
      guard let id = executing.keys.sorted().randomElement(using: &random) else { return }
      executing[id] = nil
      finished.insert(id)
      tell(.ended(id))
    }

    mutating func lose(_ loss: Fleet.Loss) {
      guard let id = jobs.keys.sorted().randomElement(using: &random) else { return }
      jobs[id] = nil
      for (task, job) in executing where job == id { executing[task] = nil }
      tell(.gone(id, loss, "lost"))
    }

    mutating func tell(_ event: Fleet.Event) {
      if case .spoiled(let id, _) = event { executing[id] = nil }
      for command in fleet.handle(event, now: now) { obey(command) }
      check()
    }

    mutating func obey(_ command: Fleet.Command) {
      switch command {
      case .submit(let ticket, let allocation, let count): orders.append((ticket, allocation, count))
      case .assign(let id, let job, let gpus):
        if finished.contains(id) { problems.append("\(id) is executed although it has ended") }
        if let other = executing[id] { problems.append("\(id) is at \(other) and at \(job)") }
        if jobs[job]?.worker == nil { problems.append("\(job) has no worker for \(id)") }
        if retired.contains(job) { problems.append("\(job) gets \(id) although it was told to end") }
        if gpus.count != needs[id]?.size.gpus { problems.append("\(id) gets \(gpus.count) GPUs") }
        executing[id] = job
      case .revoke(let id, let job):
        if executing[id] != job { problems.append("\(id) is not at \(job)") }
      case .retire(let job): retired.insert(job)
      case .cancel(let ids):
        for id in ids {
          guard jobs[id]?.worker == nil else { continue }
          jobs[id] = nil
          tell(.gone(id, .preempted, "cancelled"))
        }
      case .fail(let id, _):
        if executing[id] != nil { problems.append("\(id) is given up while it is executed") }
        if !finished.insert(id).inserted { problems.append("\(id) ends twice") }
      }
    }

    mutating func check() {
      for (job, state) in jobs {
        guard let worker = state.worker else { continue }
        let here = executing.filter { $0.value == job }.keys.compactMap { needs[$0]?.size }
        if here.reduce(0, { $0 + $1.cpus }) > worker.size.cpus { problems.append("\(job) has too many processors") }
        if here.reduce(0, { $0 + $1.gpus }) > worker.gpus.count { problems.append("\(job) has too many GPUs") }
        if worker.size.memory > 0, here.reduce(0, { $0 + $1.memory }) > worker.size.memory {
          problems.append("\(job) has too little memory")
        }
      }
      let live = jobs.keys.count { !retired.contains($0) } + orders.reduce(0) { $0 + $1.count }
      if live > limits.workers { problems.append("\(live) jobs, of \(limits.workers)") }
    }
  }
}
