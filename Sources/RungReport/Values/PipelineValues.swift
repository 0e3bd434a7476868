/// What a report says of a pipeline.
public struct PipelineValues: Sendable {
  /// The name.
  public var name: String
  /// What the experiment is about, Markdown; nil when the file does not say.
  public var about: String?
  /// The pipeline file, from the project's root.
  public var file: String
  /// With the values in force.
  public var parameters: [NamedText]
  /// Its axes, with what is to be said of their values.
  public var axes: [NamedText]
  /// Its own steps, makers first, then those of other pipelines that it uses.
  public var steps: [StepValues]
  /// Which step uses which, by their places in `steps`.
  public var uses: [StepUse]
  /// Published pictures, one for each drawing however many formats it has.
  public var figures: [FigureValues]
  /// Published files that are no pictures.
  public var files: [FileValues]
  /// In the order of the file.
  public var claims: [ClaimValues]
  /// False when the claims were judged before the latest changes.
  public var claimsAreCurrent: Bool
  /// When the newest of its results was made, in nanoseconds since 1970; nil when nothing has run.
  public var lastRun: Int64?
  /// How far the least watched step behind its results was watched; nil when nothing has run.
  public var watch: String?
  /// Sentences about what is not known yet.
  public var notes: [String]

  /// A pipeline of which nothing is known but where it is declared.
  public init(name: String, about: String?, file: String) {
    self.name = name
    self.about = about
    self.file = file
    parameters = []
    axes = []
    steps = []
    uses = []
    figures = []
    files = []
    claims = []
    claimsAreCurrent = true
    lastRun = nil
    watch = nil
    notes = []
  }

  /// Its page.
  var path: String { "pipelines/\(Slug.of(name)).html" }

  /// Its own instances by how they stand.
  var counts: StateCounts { steps.filter(\.isOwn).reduce(StateCounts()) { $0 + $1.counts } }
}

/// One step uses what another makes.
public struct StepUse: Hashable, Sendable {
  /// The place of the maker in the list of steps.
  public var maker: Int
  /// The place of the user.
  public var user: Int
  /// Whether it takes what many instances made at once.
  public var gathers: Bool

  /// A use.
  public init(maker: Int, user: Int, gathers: Bool) {
    self.maker = maker
    self.user = user
    self.gathers = gathers
  }
}

/// A published picture.
public struct FigureValues: Hashable, Sendable {
  /// Where it is published, from the project's root.
  public var path: String
  /// Where its copy lies in the site; nil when its bytes are gone, with what to say instead in `problem`.
  public var file: String?
  /// Why it cannot be shown.
  public var problem: String?
  /// Other files that are the same picture in another format.
  public var formats: [String]
  /// `figure` of `pipeline/step`.
  public var output: String
  /// The instance that made it.
  public var instance: String
  /// The record of its making, in full; it names the page of its lineage.
  public var record: String
  /// False when the step would run again.
  public var isCurrent: Bool

  /// A picture.
  public init(
    path: String, file: String?, problem: String?, formats: [String], output: String, instance: String, record: String,
    isCurrent: Bool
  ) {
    self.path = path
    self.file = file
    self.problem = problem
    self.formats = formats
    self.output = output
    self.instance = instance
    self.record = record
    self.isCurrent = isCurrent
  }

  /// The last part of its path, without the ending.
  var title: String {
    let name = path.split(separator: "/").last ?? path[...]
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return String(name) }
    return String(name[..<dot])
  }
}

/// A published file that is no picture.
public struct FileValues: Hashable, Sendable {
  /// Where it is published, from the project's root.
  public var path: String
  /// The instance that made it.
  public var instance: String
  /// The record of its making, in full.
  public var record: String
  /// In bytes.
  public var size: Int64

  /// A file.
  public init(path: String, instance: String, record: String, size: Int64) {
    self.path = path
    self.instance = instance
    self.record = record
    self.size = size
  }
}
