/// What lies around a step, wherever it runs: the same for all steps of a run but for the environment.
public struct Surroundings: Hashable, Sendable {
  /// The project's folder, absolute, links resolved.
  public var project: String
  /// The cache's folder, absolute, links resolved.
  public var cache: String
  /// Folders with mounts of their own below the project, from its root; without the cache.
  public var mountsInProject: [String]
  /// Folders with programs (those of PATH) that a private view may not hide.
  public var programs: [String]
  /// The Python environment that was built for the step.
  public var environment: String?

  /// Surroundings.
  public init(
    project: String, cache: String, mountsInProject: [String] = [], programs: [String] = [], environment: String? = nil
  ) {
    self.project = project
    self.cache = cache
    self.mountsInProject = mountsInProject
    self.programs = programs
    self.environment = environment
  }

  /// The cache's path from the project's root; nil when it lies elsewhere.
  var cacheInProject: String? {
    cache.hasPrefix(project + "/") ? String(cache.dropFirst(project.utf8.count + 1)) : nil
  }
}
