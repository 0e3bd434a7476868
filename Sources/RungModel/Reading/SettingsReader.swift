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
    return settings
  }
}
