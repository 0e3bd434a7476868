import RungCore

/// Reads rung.yaml.
struct SettingsReader {
  let mistakes: Mistakes

  /// The settings; defaults for an empty file.
  func read(_ root: YAMLNode) -> ProjectSettings {
    var settings = ProjectSettings()
    if root.isNull { return settings }
    guard let fields = Fields(root, known: Keys.settings, for: "rung.yaml", mistakes: mistakes) else { return settings }
    settings.cache = fields.text("cache")
    settings.jobs = fields.int("jobs", in: 1...65536)
    settings.watch = fields.word("watch", as: WatchLevel.self)
    settings.watchFloor = fields.word("watch_floor", as: WatchLevel.self)
    settings.memory = fields.memory("memory")
    settings.staging = fields.memory("staging", of: "disk space")
    settings.stamps = fields.bool("stamps") ?? true
    for entry in fields.mapping("pools") ?? [] {
      guard mistakes.checkName(entry.key, what: "a pool") else { continue }
      if Keys.resources.contains(entry.name) {
        mistakes.error("'\(entry.name)' cannot name a pool: it is a resource of its own", at: entry.key)
      } else if let size = mistakes.int(entry.value, for: entry.name, in: 1...1_000_000) {
        settings.pools[entry.name] = size
      }
    }
    if fields["gpus"] != nil {
      settings.gpus = fields.list("gpus")?.compactMap { mistakes.text($0, for: "gpus") }
    }
    settings.executor = fields.word("executor", as: ExecutorKind.self) ?? .local
    if let node = fields["slurm"] { readSlurm(node, into: &settings.slurm) }
    return settings
  }

  private func readSlurm(_ node: YAMLNode, into slurm: inout ProjectSettings.Slurm) {
    guard let fields = Fields(node, known: Keys.slurm, for: "'slurm'", mistakes: mistakes) else { return }
    slurm.partition = fields.text("partition")
    slurm.account = fields.text("account")
    slurm.constraint = fields.text("constraint")
    slurm.time = fields.time("time") ?? slurm.time
    slurm.cpus = fields.int("cpus", in: 1...65536) ?? slurm.cpus
    slurm.memory = fields.memory("memory")
    slurm.gpus = fields.int("gpus", in: 0...1024) ?? 0
    slurm.workers = fields.int("workers", in: 1...10_000) ?? slurm.workers
    slurm.idle = fields.time("idle") ?? slurm.idle
    slurm.separate = fields.time("separate")
    slurm.options = (fields.list("options") ?? []).compactMap { mistakes.text($0, for: "options") }
    slurm.exchange = fields.text("exchange")
    slurm.rung = fields.text("rung")
  }
}
