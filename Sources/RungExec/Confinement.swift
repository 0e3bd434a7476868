import RungModel

/// How one step is shut in and watched: what was wished for, cut down to what the host allows. A value; the launcher
/// obeys it.
public struct Confinement: Hashable, Sendable {
  /// How the project gets into the workspace.
  public enum Layout: Hashable, Sendable {
    /// Mounts: staged inputs above the project, read-only, beside the step's own files; or, where the step's outputs lie
    /// among the project's files, an overlay of all three.
    case mounts
    /// Copies of the inputs, and symbolic links to the rest of the project.
    case links
    /// Copies of the inputs alone.
    case copies
  }

  /// Who tells of path calls.
  public enum Recorder: String, Hashable, Sendable {
    /// seccomp user notification.
    case notify
    /// ptrace.
    case ptrace
  }

  /// The level in force.
  public var level: WatchLevel
  /// Whether the launcher is used at all.
  public var launcher: Bool
  /// A user namespace, which unprivileged users need for the others.
  public var users: Bool
  /// A mount namespace: the private view.
  public var mounts: Bool
  /// A process namespace.
  public var processes: Bool
  /// A network namespace of its own.
  public var ownNetwork: Bool
  /// Internet sockets refused by a filter, where there is no network namespace.
  public var refuseNetwork: Bool
  /// Writing only where it may, by Landlock, where there is no private view.
  public var landlock: Bool
  /// Who records; nil when nobody does.
  public var recorder: Recorder?
  /// How the project gets into the workspace.
  public var layout: Layout

  /// No launcher: a plain process in a folder with copies of its inputs.
  public static let none = Confinement(
    level: .declared, launcher: false, users: false, mounts: false, processes: false, ownNetwork: false,
    refuseNetwork: false, landlock: false, recorder: nil, layout: .copies)

  /// What Rung does itself, from declared inputs alone.
  public static let builtIn = Confinement(
    level: .strict, launcher: false, users: false, mounts: false, processes: false, ownNetwork: true,
    refuseNetwork: false, landlock: false, recorder: nil, layout: .copies)

  /// Whether the step can reach the network.
  public var network: Bool { !ownNetwork && !refuseNetwork }

  /// How it is shut in, in a record's word: `private`, `landlock`, `none`.
  public var view: String { mounts ? "private" : landlock ? "landlock" : "none" }

  /// Decides.
  ///
  /// - Parameters:
  ///   - wanted: the level that the step, the command line or the project asks for.
  ///   - network: whether the step may use the network.
  ///   - abilities: what the host allows.
  public init(wanted: WatchLevel, network: Bool, abilities: HostAbilities) {
    guard abilities.problem == nil else {
      self = .none
      return
    }
    self = .none
    launcher = true
    mounts = abilities.has(.mounts)
    users = mounts && !abilities.has(.mountsAsRoot)
    processes = mounts && abilities.has(.processes)
    landlock = !mounts && abilities.has(.landlock)
    if !network {
      ownNetwork = mounts && abilities.has(.network)
      refuseNetwork = !ownNetwork && abilities.has(.refuseNetwork)
    }
    let canRecord = abilities.has(.notify) || abilities.has(.ptrace)
    // What a record claims of the project, that it was read-only, must hold too.
    let isProtected = mounts || landlock
    if wanted != .declared, isProtected, canRecord { recorder = abilities.has(.notify) ? .notify : .ptrace }
    switch wanted {
    case .strict where mounts: level = .strict
    case .strict, .traced: level = recorder == nil ? .declared : .traced
    case .declared: level = .declared
    }
    if mounts, abilities.has(.overlay) {
      layout = .mounts
    } else {
      layout = level != .strict && isProtected ? .links : .copies
    }
  }

  private init(
    level: WatchLevel, launcher: Bool, users: Bool, mounts: Bool, processes: Bool, ownNetwork: Bool,
    refuseNetwork: Bool, landlock: Bool, recorder: Recorder?, layout: Layout
  ) {
    self.level = level
    self.launcher = launcher
    self.users = users
    self.mounts = mounts
    self.processes = processes
    self.ownNetwork = ownNetwork
    self.refuseNetwork = refuseNetwork
    self.landlock = landlock
    self.recorder = recorder
    self.layout = layout
  }
}
