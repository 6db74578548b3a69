package mllibpy.engine

import java.io.{Externalizable, ObjectInput, ObjectOutput}

/** A chunk of (row, column, value) triples as columns of primitives; `times` is null or one number
  * per triple. Rows and columns are keys (scrambled ids).
  */
final class Triples(
    private var _rows: Array[Long],
    private var _columns: Array[Long],
    private var _values: Array[Float],
    private var _times: Array[Long]
) extends Externalizable {
  def this() = this(null, null, null, null)

  def rows: Array[Long] = _rows
  def columns: Array[Long] = _columns
  def values: Array[Float] = _values
  def times: Array[Long] = _times
  def size: Int = _values.length

  /** The same triples with rows and columns exchanged; nothing is copied. */
  def transposed: Triples = new Triples(_columns, _rows, _values, _times)

  /** The triples that `keep` accepts by their position. */
  def filter(keep: Int => Boolean): Triples = {
    val builder = new TriplesBuilder(size, _times != null)
    var i = 0
    while (i < size) {
      if (keep(i))
        builder.add(_rows(i), _columns(i), _values(i), if (_times == null) 0 else _times(i))
      i += 1
    }
    builder.result()
  }

  override def writeExternal(out: ObjectOutput): Unit = {
    Bulk.writeLongs(out, _rows)
    Bulk.writeLongs(out, _columns)
    Bulk.writeFloats(out, _values)
    out.writeBoolean(_times != null)
    if (_times != null) Bulk.writeLongs(out, _times)
  }

  override def readExternal(in: ObjectInput): Unit = {
    _rows = Bulk.readLongs(in)
    _columns = Bulk.readLongs(in)
    _values = Bulk.readFloats(in)
    if (in.readBoolean()) _times = Bulk.readLongs(in)
  }
}

/** Collects triples into primitive arrays that grow. */
final class TriplesBuilder(expected: Int, timed: Boolean) {
  private var rows = new Array[Long](Math.max(16, expected))
  private var columns = new Array[Long](rows.length)
  private var values = new Array[Float](rows.length)
  private var times = if (timed) new Array[Long](rows.length) else null
  private var n = 0

  def size: Int = n

  def add(row: Long, column: Long, value: Float, time: Long): Unit = {
    if (n == rows.length) resize(Math.max(n + (n >> 1), n + 16))
    rows(n) = row
    columns(n) = column
    values(n) = value
    if (timed) times(n) = time
    n += 1
  }

  private def resize(length: Int): Unit = {
    rows = java.util.Arrays.copyOf(rows, length)
    columns = java.util.Arrays.copyOf(columns, length)
    values = java.util.Arrays.copyOf(values, length)
    if (timed) times = java.util.Arrays.copyOf(times, length)
  }

  /** What was added; the builder is empty again. */
  def result(): Triples = {
    if (n < rows.length) resize(n)
    val out = new Triples(rows, columns, values, times)
    n = 0
    rows = new Array[Long](0)
    columns = new Array[Long](0)
    values = new Array[Float](0)
    if (timed) times = new Array[Long](0)
    out
  }
}

object Triples {

  /** Triples to a chunk: enough to make a chunk's overhead vanish, little enough to move about. */
  final val ChunkSize = 1 << 16

  /** One chunk after the other; with times where there is any chunk and all have them. */
  def concat(chunks: Seq[Triples]): Triples =
    if (chunks.length == 1) chunks.head else joined(chunks)

  private def joined(chunks: Seq[Triples]): Triples = {
    val timed = chunks.nonEmpty && chunks.forall(_.times != null)
    new Triples(
      Array.concat(chunks.map(_.rows): _*),
      Array.concat(chunks.map(_.columns): _*),
      Array.concat(chunks.map(_.values): _*),
      if (timed) Array.concat(chunks.map(_.times): _*) else null
    )
  }
}
