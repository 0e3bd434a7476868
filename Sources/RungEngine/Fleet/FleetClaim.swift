import Glibc
import RungCore
import RungExec
import RungStore

/// The fleet that a run has for itself: one that another left behind, or a new one.
struct FleetClaim: Sendable {
  let folder: FleetFolder
  /// Lets go of the fleet with its last copy.
  let lock: FleetLock
  /// Whether there may be jobs and results of an earlier run.
  let isTakenOver: Bool
  /// The address through which objects go; nil when all use one store.
  let exchange: String?
  /// Fleets whose runs are gone, beside this one: their jobs are told to end.
  let abandoned: [String]

  /// Looks through the cache's fleets of this project. Throws when none can be made.
  init(_ options: FleetExecutor.Options) throws {
    let root = "\(options.cache)/fleet"
    if mkdir(root, 0o700) != 0 && errno != EEXIST { throw ExecError.system("make the folder", root) }
    var taken: (folder: FleetFolder, lock: FleetLock)?
    var abandoned: [String] = []
    for name in FleetFolder.list(root) {
      let folder = FleetFolder(path: "\(root)/\(name)")
      guard let settings = FleetFolder.read(folder.settings).flatMap(FleetSettings.init(json:)) else { continue }
      guard settings.project == options.project, let lock = FleetLock(path: folder.owner) else { continue }
      if taken == nil, settings.version == options.version {
        taken = (folder, lock)
      } else {
        for job in FleetFolder.list(folder.workers) { try? FleetFolder.write(.null, to: folder.worker(job).end) }
        abandoned.append(name)
      }
    }
    if let taken {
      folder = taken.folder
      lock = taken.lock
      isTakenOver = true
    } else {
      folder = FleetFolder(path: "\(root)/\(String(UInt64.random(in: .min ... .max), radix: 36))")
      try folder.make()
      guard let lock = FleetLock(path: folder.owner) else { throw ExecError.system("lock", folder.owner) }
      self.lock = lock
      isTakenOver = false
    }
    self.abandoned = abandoned
    exchange =
      switch options.exchange {
      case .own: folder.exchange
      case .address(let address): address
      case nil: nil
      }
    try FleetFolder.write(
      FleetSettings(
        version: options.version, project: options.project, cache: options.cache, staging: options.staging,
        patience: options.patience, exchange: exchange
      ).json, to: folder.settings)
  }

  /// Removes the folder, when nobody is in it any more.
  func remove() {
    let workers = FleetFolder.list(folder.workers)
    guard workers.allSatisfy({ !FleetLock.isHeld(folder.worker($0).alive) }) else { return }
    try? removeTree(folder.path)
  }
}
