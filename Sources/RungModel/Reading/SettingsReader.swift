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
    settings.remotes = remotes(fields)
    for key in fields.list("trust") ?? [] {
      guard let text = mistakes.text(key, for: "trust") else { continue }
      if Digest(text) != nil, text.hasPrefix(Digest.prefix) {
        settings.trust.append(text)
      } else {
        mistakes.error(
          "'\(text)' is no key's id", at: key,
          notes: ["write it as `rung key list` of its owner prints it: sha256: and 64 digits"])
      }
    }
    return settings
  }

  // One address, or a list of addresses and mappings.
  private func remotes(_ fields: Fields) -> [RemoteSetting] {
    guard let node = fields["remote"] else { return [] }
    var remotes: [RemoteSetting] = []
    for item in node.items ?? [node] {
      guard let remote = remote(item) else { continue }
      if let name = remote.name, remotes.contains(where: { $0.name == name }) {
        mistakes.error("there are two remotes called '\(name)'", at: item)
      } else {
        remotes.append(remote)
      }
    }
    return remotes
  }

  private func remote(_ node: YAMLNode) -> RemoteSetting? {
    guard node.entries != nil else {
      guard let address = mistakes.text(node, for: "remote"), isAddress(address, node) else { return nil }
      return RemoteSetting(address: address)
    }
    guard let fields = Fields(node, known: Keys.remote, for: "a remote", mistakes: mistakes) else { return nil }
    guard let url = fields["url"], let address = fields.text("url") else {
      if fields.lacks("url") {
        mistakes.error("a remote needs 'url': a folder, or where it is on the network", at: node)
      }
      return nil
    }
    guard isAddress(address, url) else { return nil }
    if let name = fields.key("name"), let value = fields["name"], !Names.isName(value.text ?? "") {
      mistakes.error("'\(value.text ?? value.described)' cannot name a remote", at: name)
      return nil
    }
    return RemoteSetting(address: address, name: fields.text("name"), push: fields.bool("push") ?? true)
  }

  // A password in a file that is shared, and kept with every run's record, would be given away.
  private func isAddress(_ text: String, _ node: YAMLNode) -> Bool {
    guard !text.isEmpty else {
      mistakes.error("the address of a remote is empty", at: node)
      return false
    }
    if let start = text.firstRange(of: "://")?.upperBound {
      let authority = text[start...].prefix { $0 != "/" }
      if let at = authority.lastIndex(of: "@"), authority[..<at].contains(":") {
        mistakes.error(
          "the address of a remote has a password in it", at: node,
          notes: ["take it out: this file is kept in the cache. docs/remotes.md says where passwords come from"])
        return false
      }
    }
    return true
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
