package mllibpy.engine

import java.io.{Externalizable, ObjectInput, ObjectOutput}

/** A chunk of (row, column, value) triples as columns of primitives; `times` and `weights` are null
  * or one number per triple. Rows and columns are keys (scrambled ids).
  */
final class Triples(
    private var _rows: Array[Long],
    private var _columns: Array[Long],
    private var _values: Array[Float],
    private var _times: Array[Long],
    private var _weights: Array[Float]
) extends Externalizable {
  def this() = this(null, null, null, null, null)
  def this(rows: Array[Long], columns: Array[Long], values: Array[Float], times: Array[Long]) =
    this(rows, columns, values, times, null)

  def rows: Array[Long] = _rows
  def columns: Array[Long] = _columns
  def values: Array[Float] = _values
  def times: Array[Long] = _times
  def weights: Array[Float] = _weights
  def size: Int = _values.length

  /** The same triples with rows and columns exchanged; nothing is copied. */
  def transposed: Triples = new Triples(_columns, _rows, _values, _times, _weights)

  /** The triples that `keep` accepts by their position. */
  def filter(keep: Int => Boolean): Triples = {
    val builder = new TriplesBuilder(size, _times != null, _weights != null)
    var i = 0
    while (i < size) {
      if (keep(i)) builder.add(_rows(i), _columns(i), _values(i), time(i), weight(i))
      i += 1
    }
    builder.result()
  }

  /** The time of a triple; 0 where there are none. */
  def time(i: Int): Long = if (_times == null) 0 else _times(i)

  /** The weight of a triple; 1 where there are none. */
  def weight(i: Int): Float = if (_weights == null) 1f else _weights(i)

  override def writeExternal(out: ObjectOutput): Unit = {
    Bulk.writeLongs(out, _rows)
    Bulk.writeLongs(out, _columns)
    Bulk.writeFloats(out, _values)
    out.writeBoolean(_times != null)
    if (_times != null) Bulk.writeLongs(out, _times)
    out.writeBoolean(_weights != null)
    if (_weights != null) Bulk.writeFloats(out, _weights)
  }

  override def readExternal(in: ObjectInput): Unit = {
    _rows = Bulk.readLongs(in)
    _columns = Bulk.readLongs(in)
    _values = Bulk.readFloats(in)
    if (in.readBoolean()) _times = Bulk.readLongs(in)
    if (in.readBoolean()) _weights = Bulk.readFloats(in)
  }
}

/** Collects triples into primitive arrays that grow. */
final class TriplesBuilder(expected: Int, timed: Boolean, weighted: Boolean = false) {
  private var rows = new Array[Long](Math.max(16, expected))
  private var columns = new Array[Long](rows.length)
  private var values = new Array[Float](rows.length)
  private var times = if (timed) new Array[Long](rows.length) else null
  private var weights = if (weighted) new Array[Float](rows.length) else null
  private var n = 0

  def size: Int = n

  def add(row: Long, column: Long, value: Float, time: Long): Unit =
    add(row, column, value, time, 1f)

  def add(row: Long, column: Long, value: Float, time: Long, weight: Float): Unit = {
    if (n == rows.length) resize(Math.max(n + (n >> 1), n + 16))
    rows(n) = row
    columns(n) = column
    values(n) = value
    if (timed) times(n) = time
    if (weighted) weights(n) = weight
    n += 1
  }

  private def resize(length: Int): Unit = {
    rows = java.util.Arrays.copyOf(rows, length)
    columns = java.util.Arrays.copyOf(columns, length)
    values = java.util.Arrays.copyOf(values, length)
    if (timed) times = java.util.Arrays.copyOf(times, length)
    if (weighted) weights = java.util.Arrays.copyOf(weights, length)
  }

  /** What was added; the builder is empty again. */
  def result(): Triples = {
    if (n < rows.length) resize(n)
    val out = new Triples(rows, columns, values, times, weights)
    n = 0
    rows = new Array[Long](0)
    columns = new Array[Long](0)
    values = new Array[Float](0)
    if (timed) times = new Array[Long](0)
    if (weighted) weights = new Array[Float](0)
    out
  }
}

object Triples {

  /** Triples to a chunk: enough to make a chunk's overhead vanish, little enough to move about. */
  final val ChunkSize = 1 << 16

  /** One chunk after the other; with times, and weights, where there is any chunk and all have
    * them.
    */
  def concat(chunks: Seq[Triples]): Triples =
    if (chunks.length == 1) chunks.head else joined(chunks)

  private def joined(chunks: Seq[Triples]): Triples = {
    val timed = chunks.nonEmpty && chunks.forall(_.times != null)
    val weighted = chunks.nonEmpty && chunks.forall(_.weights != null)
    new Triples(
      Array.concat(chunks.map(_.rows): _*),
      Array.concat(chunks.map(_.columns): _*),
      Array.concat(chunks.map(_.values): _*),
      if (timed) Array.concat(chunks.map(_.times): _*) else null,
      if (weighted) Array.concat(chunks.map(_.weights): _*) else null
    )
  }
}
