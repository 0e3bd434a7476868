import RungCore

/// The list of words that `rung-step` carries out; see Sources/rung-step/plan.c for the other side.
struct StepPlan {
  /// Where a step finds its workspace in a private view: always the same, so that no result can depend on where the
  /// project or the cache lies.
  static let workspace = "/tmp/workspace"
  /// Its home there.
  static let home = "/tmp/home"
  /// Its folder for temporary files there.
  static let temporary = "/tmp"

  private(set) var words: [String] = ["rung-step 1"]

  /// Where this task finds its workspace in a private view.
  static func workspace(of task: StepTask) -> String { task.variation?.workspace ?? workspace }
  /// Its home there.
  static func home(of task: StepTask) -> String { task.variation?.home.map { "\(temporary)/\($0)" } ?? home }

  /// The words as bytes: a NUL behind each.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for word in words {
      bytes += word.utf8
      bytes.append(0)
    }
    return bytes
  }

  private mutating func add(_ name: String, list: [String]) {
    words += [name, "\(list.count)"] + list
  }

  /// The plan of a task.
  ///
  /// - Parameters:
  ///   - place: the task's folders on the disk.
  ///   - layers: folders with staged inputs, topmost first.
  ///   - network: a network namespace to enter instead of making one.
  ///   - view: how they and the project get into the workspace; nil without a private view.
  init(
    _ task: StepTask, place: Workspace.Place, network: HeldNetworks.Network?, layers: [String], view: WorkspaceView?,
    program: String, arguments: [String],
    environment: [String]
  ) {
    let confinement = task.confinement
    if confinement.users { words.append((network?.users ?? -1) >= 0 ? "join-users" : "users") }
    if confinement.mounts { words.append("mounts") }
    if confinement.processes { words.append("processes") }
    if confinement.ownNetwork { words.append(network != nil ? "join-network" : "network") }
    if confinement.refuseNetwork { words.append("refuse-network") }
    if confinement.level == .strict { words.append("strict") }
    if let recorder = confinement.recorder { words.append(recorder.rawValue) }
    if confinement.landlock { add("landlock", list: [place.root, place.temporary]) }
    if confinement.mounts { addView(task, place, layers, view) }

    if let variation = task.variation { addVariation(variation, task, place) }

    let workspace = confinement.mounts ? Self.workspace(of: task) : place.root
    words += ["workspace", workspace, task.surroundings.project]
    add("shadows", list: [place.root] + layers)
    add("placed", list: view?.mountPoints ?? [])
    // What is the kernel's, and what the step itself writes. Without a private view /tmp is everybody's, and what the step
    // finds there it has from others.
    let kernels = ["/proc", "/sys", "/dev", "/run", "/var/run"]
    add(
      "skipped",
      list: kernels + (confinement.mounts ? [Self.temporary] : []) + [place.temporary, task.surroundings.cache])
    add("exposed", list: task.surroundings.programs)
    add("ignored", list: task.surroundings.cacheInProject.map { [$0] } ?? [])
    words += ["folder", workspace, "program", program]
    add("arguments", list: arguments)
    add("environment", list: environment)
  }

  private mutating func addView(
    _ task: StepTask, _ place: Workspace.Place, _ layers: [String], _ view: WorkspaceView?
  ) {
    let around = task.surroundings
    let strict = task.confinement.level == .strict
    let workspace = Self.workspace(of: task)
    let nodes = task.gpus.isEmpty ? [] : GPUDevices.nodes(for: task.gpus)
    var parts: [ViewPart] = [
      ViewPart("/dev", .devices(nodes)), ViewPart("/tmp", .writable(place.temporary)), ViewPart(around.cache, .hidden),
    ]
    if strict {
      parts.append(ViewPart(around.project, .hidden))
    } else {
      parts.append(ViewPart(around.project, .shown))
    }
    // Sockets of services through which a step could have its work done elsewhere.
    if !task.confinement.network, !around.programs.contains(where: { $0.hasPrefix("/run/") }) {
      parts.append(ViewPart("/run", .hidden))
    }
    parts += around.programs.map { ViewPart($0, .shown) }
    if let environment = around.environment { parts.append(ViewPart(environment, .shown)) }
    for part in ViewPart.arranged(parts) {
      switch part.state {
      case .devices(let nodes): add("devices", list: nodes)
      case .writable(let source): words += ["bind-writable", source, part.path]
      case .hidden: words += ["cover", part.path]
      case .shown: words += ["bind", part.path, part.path]
      }
    }

    if let view, view.isOverlay {
      let lower = layers + (strict ? [] : [around.project])
      let isInside = !strict && around.cacheInProject != nil
      words += [isInside ? "overlay-around" : "overlay", workspace, place.root, place.work]
      if isInside { words.append(place.empty) }
      // An overlay wants at least one.
      add(list: lower.isEmpty ? [place.empty] : lower)
    } else {
      words += ["bind-writable", place.root, workspace]
      for part in view?.parts ?? [] {
        let target = "\(workspace)/\(part.name)"
        if part.isWritable {
          words += ["overlay", target, "\(place.root)/\(part.name)", place.work]
          add(list: part.layers)
        } else if part.layers.count > 1 {
          add("merge", [target], list: part.layers)
        } else if let only = part.layers.first {
          words += ["bind", only, target]
        }
      }
    }
    if !strict, let view {
      // An overlay shows one file system: what is mounted in the project is brought in by itself.
      for mount in around.mountsInProject {
        let name = mount.split(separator: "/").first.map(String.init) ?? mount
        guard view.isOverlay || view.parts.contains(where: { $0.name == name && $0.layers.count > 1 }) else { continue }
        words += ["bind", "\(around.project)/\(mount)", "\(workspace)/\(mount)"]
      }
      if let cache = around.cacheInProject, view.isOverlay || cache.contains("/") {
        words += ["cover", "\(workspace)/\(cache)"]
      }
    }
  }

  private mutating func addVariation(_ variation: Variation, _ task: StepTask, _ place: Workspace.Place) {
    let confinement = task.confinement
    if confinement.mounts, let name = variation.hostName {
      words += ["host", name]
      if VariedFiles.isThere(VariedFiles.hosts) { words += ["bind", place.hosts, VariedFiles.hosts] }
    }
    if confinement.processes, let last = variation.lastProcess { words += ["last-process", "\(last)"] }
    if confinement.recorder == .notify, let order = variation.listings { words += ["listings", order] }
    let machine = Variation.machine()
    if let processors = variation.processors(usable: machine.usable, online: machine.online) {
      if let use = processors.use { words += ["processors", "\(use)"] }
      if confinement.mounts, VariedFiles.isThere(VariedFiles.processors) {
        words += ["bind", place.processors, VariedFiles.processors]
      }
    }
  }

  private mutating func add(_ name: String, _ fixed: [String], list: [String]) {
    words += [name] + fixed + ["\(list.count)"] + list
  }

  private mutating func add(list: [String]) { words += ["\(list.count)"] + list }
}

/// A path that a view hides, shows again, or replaces.
struct ViewPart: Hashable {
  enum State: Hashable {
    /// An empty folder instead.
    case hidden
    /// As it is, read-only.
    case shown
    /// Another folder instead, writable.
    case writable(String)
    /// The few device nodes that every program expects, and these.
    case devices([String])
  }

  let path: String
  let state: State

  init(_ path: String, _ state: State) {
    self.path = path
    self.state = state
  }

  /// The parts in the order in which they are mounted, those left out that change nothing: what lies in something
  /// hidden is hidden already, and what lies in something shown is seen.
  static func arranged(_ parts: [ViewPart]) -> [ViewPart] {
    // A path before what lies in it. Of two with one path the last in the list counts.
    var byPath: [String: ViewPart] = [:]
    for part in parts { byPath[part.path] = part }
    let sorted = byPath.values.sorted { ($0.path.utf8.count, $0.path) < ($1.path.utf8.count, $1.path) }
    var result: [ViewPart] = []
    for part in sorted {
      // The nearest part around it says whether it can be seen so far.
      let around = result.filter { part.path.hasPrefix($0.path == "/" ? "/" : $0.path + "/") }
        .max { $0.path.utf8.count < $1.path.utf8.count }
      let isSeen = around.map { $0.state == .shown } ?? true
      switch part.state {
      case .hidden where isSeen, .writable, .devices: result.append(part)
      case .shown where !isSeen: result.append(part)
      default: break
      }
    }
    return result
  }
}
