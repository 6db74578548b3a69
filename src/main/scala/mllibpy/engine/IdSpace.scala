package mllibpy.engine

import mllibpy.kernel.Scramble

import java.nio.charset.StandardCharsets.UTF_8

/** How the ids that users know relate to keys: 64-bit integers by a bijection, texts by a hash
  * whose names are kept.
  */
sealed trait IdSpace extends Serializable {
  def kind: String
  def union(other: IdSpace): IdSpace

  /** The id of a key as a text; "?" where it is unknown. */
  def textOf(key: Long): String

  /** The id of a key, for messages. */
  def show(key: Long): String = textOf(key)

  /** Of keys, as their ids are ordered. */
  def order: Ordering[Long]
}

case object IntegerIds extends IdSpace {
  def kind: String = "integer"
  def textOf(key: Long): String = Scramble.unmix(key).toString
  def order: Ordering[Long] = Ordering.by(Scramble.unmix)

  def union(other: IdSpace): IdSpace = other match {
    case IntegerIds => this
    case _          => throw IdSpace.mixed
  }
}

/** Text ids: `keys` in unsigned order, with their names. */
final class TextIds(val keys: Array[Long], val names: Array[String]) extends IdSpace {
  def kind: String = "text"

  def name(key: Long): Option[String] = {
    val at = java.util.Arrays.binarySearch(signed, key ^ Long.MinValue)
    if (at >= 0) Some(names(at)) else None
  }
  @transient private lazy val signed: Array[Long] = keys.map(_ ^ Long.MinValue)

  def textOf(key: Long): String = name(key).getOrElse("?")
  override def show(key: Long): String = s"'${textOf(key)}'"
  def order: Ordering[Long] = Ordering.by(textOf)(TextIds.order)

  def union(other: IdSpace): IdSpace = other match {
    case t: TextIds => TextIds.of(names ++ t.names)
    case _          => throw IdSpace.mixed
  }
}

object TextIds {
  def key(name: String): Long = {
    val utf8 = name.getBytes(UTF_8)
    Scramble.text(utf8, 0, utf8.length)
  }

  /** The order of the code points, as Python sorts; Java's own order is of UTF-16 units. */
  val order: Ordering[String] =
    (a, b) => java.util.Arrays.compareUnsigned(a.getBytes(UTF_8), b.getBytes(UTF_8))

  /** From names in any order, repeated or not. */
  def of(names: Array[String]): TextIds = {
    val sorted = names.distinct.map(n => (key(n) ^ Long.MinValue, n)).sortBy(_._1)
    sorted.indices.drop(1).find(i => sorted(i)._1 == sorted(i - 1)._1).foreach { i =>
      throw new InvalidInput(
        s"ids '${sorted(i - 1)._2}' and '${sorted(i)._2}' share a 64-bit hash; rename one of them"
      )
    }
    new TextIds(sorted.map(_._1 ^ Long.MinValue), sorted.map(_._2))
  }
}

object IdSpace {
  private[engine] def mixed =
    new InvalidInput(
      "ids are integers in one data set and texts in the other; convert one of them",
      "type"
    )
}
