package mllibpy.engine

import org.apache.spark.SparkContext
import org.apache.spark.rdd.RDD

import java.io.{Externalizable, ObjectInput, ObjectOutput}

/** Some rows of a dense float32 matrix, in row order; the first one is row `first` of the whole. */
final class Tile(
    private var _first: Long,
    private var _rows: Int,
    private var _columns: Int,
    private var _values: Array[Float]
) extends Externalizable {
  def this() = this(0, 0, 0, null)

  def first: Long = _first
  def rows: Int = _rows
  def columns: Int = _columns
  def values: Array[Float] = _values

  override def writeExternal(out: ObjectOutput): Unit = {
    out.writeLong(_first)
    out.writeInt(_rows)
    out.writeInt(_columns)
    Bulk.writeFloats(out, _values)
  }

  override def readExternal(in: ObjectInput): Unit = {
    _first = in.readLong()
    _rows = in.readInt()
    _columns = in.readInt()
    _values = Bulk.readFloats(in)
  }
}

/** A dense matrix as tiles that the driver holds. */
final class DenseTiles(sc: SparkContext, tiles: Seq[Tile]) {
  private val held = new DriverBlocks(sc, tiles)
  val rdd: RDD[Tile] = held.rdd
  def release(): Unit = held.release()
}
