package mllibpy.api

import com.univocity.parsers.csv.{CsvParser, CsvParserSettings}
import mllibpy.engine.InvalidInput

/** How the lines of a ratings file are written: found from its first lines.
  *
  * @param separator
  *   "::", tab, comma, semicolon or bar
  * @param header
  *   the line of names that each file starts with, if any
  * @param weight
  *   where the weight is, or -1
  */
final case class TextFormat(
    separator: String,
    header: Option[String],
    user: Int,
    item: Int,
    rating: Int,
    time: Int,
    textUsers: Boolean,
    textItems: Boolean,
    weight: Int = -1
)

object TextFormat {
  private val separators = Seq("::", "\t", ",", ";", "|")
  // Names that files in the field use, lower case; the caller's own names come first.
  private val userNames = Seq("userid", "user_id", "user")
  private val itemNames = Seq("movieid", "movie_id", "itemid", "item_id", "item", "movie")
  private val ratingNames = Seq("rating", "score", "value")

  def find(
      file: String,
      lines: Seq[String],
      userCol: String,
      itemCol: String,
      ratingCol: String,
      weightCol: Option[String] = None
  ): TextFormat = {
    val head = lines.head
    val separator = separators.find(s => fields(head, s).length >= 3).getOrElse {
      throw new InvalidInput(
        s"$file, line 1: '${clip(head)}' is not a rating; expected user, item and rating separated by '::', tab, ',', ';' or '|'"
      )
    }
    val names = fields(head, separator)
    // A header has no integer id: a first line with one and no number behind it is a bad rating.
    if (number(names(2)) || integer(names(0))) {
      InvalidInput.unless(
        weightCol.isEmpty,
        s"$file has no header, so weight_col='${weightCol.mkString}' names none of its columns; write one"
      )
      plain(separator, names)
    } else
      named(
        file,
        separator,
        head,
        lines.drop(1).headOption,
        userCol,
        itemCol,
        ratingCol,
        weightCol
      )
  }

  private def plain(separator: String, row: Array[String]): TextFormat =
    TextFormat(
      separator,
      header = None,
      0,
      1,
      2,
      if (timeAt(row)) 3 else -1,
      !integer(row(0)),
      !integer(row(1))
    )

  private def timeAt(row: Array[String]): Boolean = row.length > 3 && integer(row(3))

  private def named(
      file: String,
      separator: String,
      head: String,
      firstRow: Option[String],
      userCol: String,
      itemCol: String,
      ratingCol: String,
      weightCol: Option[String]
  ): TextFormat = {
    val names = fields(head, separator)
    val lower = names.map(_.trim.toLowerCase)
    def find(own: String, usual: Seq[String]): Int = {
      val at = names.indexWhere(_.trim == own)
      if (at >= 0) at else usual.map(n => lower.indexOf(n)).find(_ >= 0).getOrElse(-1)
    }
    def column(parameter: String, own: String, usual: Seq[String]): Int = {
      val at = find(own, usual)
      InvalidInput.unless(
        at >= 0,
        s"$file has no column '$own'; name one of its columns with $parameter: ${names.mkString(", ")}"
      )
      at
    }
    val user = column("user_col", userCol, userNames)
    val item = column("item_col", itemCol, itemNames)
    val rating = column("rating_col", ratingCol, ratingNames)
    val weight = weightCol.map(column("weight_col", _, Nil)).getOrElse(-1)
    val row = firstRow.map(fields(_, separator)).getOrElse(Array.empty)
    def text(at: Int) = row.length > at && !integer(row(at))
    // Dates are not taken along: what they mean would be a guess.
    val time = Some(lower.indexOf("timestamp")).filter(at => at >= 0 && !text(at))
    TextFormat(
      separator,
      header = Some(head),
      user,
      item,
      rating,
      time.getOrElse(-1),
      text(user),
      text(item),
      weight
    )
  }

  def fields(line: String, separator: String): Array[String] =
    if (line.indexOf('"') >= 0 && separator.length == 1) quoted(line, separator.charAt(0))
    else split(line, separator)

  private def split(line: String, separator: String): Array[String] = {
    val out = Array.newBuilder[String]
    var from = 0
    var at = line.indexOf(separator)
    while (at >= 0) {
      out += line.substring(from, at)
      from = at + separator.length
      at = line.indexOf(separator, from)
    }
    out += line.substring(from)
    out.result()
  }

  private def quoted(line: String, separator: Char): Array[String] = {
    val settings = new CsvParserSettings
    settings.getFormat.setDelimiter(separator)
    settings.setNullValue("")
    Option(new CsvParser(settings).parseLine(line)).getOrElse(Array.empty[String])
  }

  def integer(s: String): Boolean = s.trim.toLongOption.isDefined
  private def number(s: String): Boolean = s.trim.toDoubleOption.isDefined

  def clip(s: String): String = if (s.length <= 80) s else s.take(77) + "..."
}
