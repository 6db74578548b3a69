package mllibpy.api

import mllibpy.algorithm.als.FactorTable
import org.apache.spark.sql.types.{DataType, LongType, StringType}

/** Ids of one side, integers or texts, in some order. */
sealed abstract class Ids extends Serializable {
  def size: Int

  /** The id at a place: a Long or a String. */
  def at(place: Int): Any

  /** What a DataFrame has them as. */
  def sqlType: DataType

  /** Their rows in a table, -1 where it has none. */
  def rowsIn(t: FactorTable): Array[Int]
}

private final class LongIds(ids: Array[Long]) extends Ids {
  def sqlType: DataType = LongType
  def size: Int = ids.length
  def at(place: Int): Any = ids(place)
  def rowsIn(t: FactorTable): Array[Int] = ids.map(t.rowOf(_))
}

private final class NamedIds(ids: Array[String]) extends Ids {
  def sqlType: DataType = StringType
  def size: Int = ids.length
  def at(place: Int): Any = ids(place)
  def rowsIn(t: FactorTable): Array[Int] = ids.map(t.rowOf(_))
}

object Ids {

  /** A table's own, in its order. */
  def of(t: FactorTable): Ids =
    if (t.names == null) new LongIds(t.integerIds) else new NamedIds(t.names)

  /** n ids that Python wrote. */
  def read(in: ArrayReader, n: Int, texts: Boolean): Ids =
    if (!texts) new LongIds(in.longs(n))
    else
      new NamedIds(if (n == 0) Array.empty[String] else in.texts(n)) // of none, nothing is written
}
