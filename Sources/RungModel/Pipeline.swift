import RungCore

/// A pipeline as its file declares it, after profiles and overrides: names resolved, every reference checked.
///
/// A value of this type is sound: each reference of each template names something that exists, no step depends on
/// itself, no two outputs share a place.
public struct Pipeline: Hashable, Sendable {
  /// The name in targets: `name/step`.
  public var name: String
  /// What the experiment is about (Markdown), if the file says.
  public var about: String?
  /// The pipeline file, from the project's root.
  public var file: RelativePath
  /// The folder of the file: what its paths are relative to.
  public var folder: RelativePath
  /// In the order of the file.
  public var parameters: [Parameter]
  /// In the order of the file.
  public var axes: [Axis]
  /// In the order of the file.
  public var steps: [Step]

  /// A pipeline from its parts.
  public init(
    name: String, about: String? = nil, file: RelativePath, folder: RelativePath, parameters: [Parameter] = [],
    axes: [Axis] = [], steps: [Step] = []
  ) {
    self.name = name
    self.about = about
    self.file = file
    self.folder = folder
    self.parameters = parameters
    self.axes = axes
    self.steps = steps
  }
}

/// A named value that commands may use; `rung run --set name=value` overrides it.
public struct Parameter: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The value in force. Numbers keep the text in which they were written.
  public var value: JSON
  /// Where it was written; nil for an override.
  public var location: SourceLocation?

  /// A parameter.
  public init(name: String, value: JSON, location: SourceLocation? = nil) {
    self.name = name
    self.value = value
    self.location = location
  }
}

/// A named list of values that a step may run over.
public struct Axis: Hashable, Sendable {
  /// The name.
  public var name: String
  /// The names of the fields of each value, for zipped axes and tables; empty for an axis of single values.
  public var fields: [String]
  /// In the order of the file, no two with the same label, at least one; none while those of a dynamic axis are unknown.
  public var values: [AxisValue]
  /// True for `{replicates: n}`: instances along it are repetitions of one measurement.
  public var isReplicate: Bool
  /// The CSV file that the values of a `{table: …}` axis came from, from the project's root; nil for any other axis.
  public var table: RelativePath?
  /// The output that a `{from: …}` axis takes its values from while a run is going on; nil for any other axis.
  public var origin: AxisOrigin?
  /// Where it was declared.
  public var location: SourceLocation?

  /// Whether its values are known: those of a dynamic axis are not before the step has run that gives them.
  public var isKnown: Bool { !values.isEmpty }

  /// An axis.
  public init(
    name: String, fields: [String] = [], values: [AxisValue], isReplicate: Bool = false,
    table: RelativePath? = nil, origin: AxisOrigin? = nil, location: SourceLocation? = nil
  ) {
    self.origin = origin
    self.name = name
    self.fields = fields
    self.values = values
    self.isReplicate = isReplicate
    self.table = table
    self.location = location
  }
}

/// One value of an axis.
public struct AxisValue: Hashable, Sendable {
  /// How it is called in the name of an instance: `200` in `fit[width=200]`. Can be a file name.
  public var label: String
  /// A scalar, or an object with the axis's fields.
  public var value: JSON

  /// A value of an axis.
  public init(label: String, value: JSON) {
    self.label = label
    self.value = value
  }
}
