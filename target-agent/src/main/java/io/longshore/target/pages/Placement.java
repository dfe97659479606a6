package io.longshore.target.pages;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where the announced pages of a process are in one address space: at first where the dump found
 * them, later where mremap(2) moved them; nowhere once they were unmapped. Announced pages are
 * numbered from 0 in the order of the dump (see {@link ProcessPages}). Not thread-safe.
 */
final class Placement {
  private final TreeMap<Integer, Place> byIndex = new TreeMap<>();
  private final TreeMap<Long, Place> byPage = new TreeMap<>();

  /**
   * Pages that are adjacent both in number and in memory.
   *
   * @param index number of the first
   * @param page address of the first / 4096
   */
  record Place(int index, long page, int count) {
    int endIndex() {
      return index + count;
    }

    long endPage() {
      return page + count;
    }

    private Place part(int from, int length) {
      return new Place(index + from, page + from, length);
    }
  }

  Placement() {}

  Placement(Placement other) {
    byIndex.putAll(other.byIndex);
    byPage.putAll(other.byPage);
  }

  void add(Place place) {
    byIndex.put(place.index(), place);
    byPage.put(place.page(), place);
  }

  /** The place that a page's number is in; null if it is nowhere. */
  @org.jspecify.annotations.Nullable
  Place of(int index) {
    Map.Entry<Integer, Place> entry = byIndex.floorEntry(index);
    return entry == null || index >= entry.getValue().endIndex() ? null : entry.getValue();
  }

  /** The number of the page at an address / 4096; -1 if it is no announced page. */
  int indexAt(long page) {
    Map.Entry<Long, Place> entry = byPage.floorEntry(page);
    if (entry == null || page >= entry.getValue().endPage()) {
      return -1;
    }
    Place place = entry.getValue();
    return place.index() + (int) (page - place.page());
  }

  /** What lies between two pages. */
  List<Place> within(long firstPage, long endPage) {
    List<Place> found = new ArrayList<>();
    Long from = byPage.floorKey(firstPage);
    for (Place place : byPage.subMap(from == null ? firstPage : from, endPage).values()) {
      int skip = (int) Math.max(0, firstPage - place.page());
      int end = (int) (Math.min(endPage, place.endPage()) - place.page());
      if (skip < end) {
        found.add(place.part(skip, end - skip));
      }
    }
    return found;
  }

  /**
   * Takes out what lies between two pages.
   *
   * @return what that was
   */
  List<Place> remove(long firstPage, long endPage) {
    List<Place> removed = within(firstPage, endPage);
    for (Place gone : removed) {
      Place whole = byPage.floorEntry(gone.page()).getValue();
      byPage.remove(whole.page());
      byIndex.remove(whole.index());
      int before = gone.index() - whole.index();
      int after = whole.endIndex() - gone.endIndex();
      if (before > 0) {
        add(whole.part(0, before));
      }
      if (after > 0) {
        add(whole.part(whole.count() - after, after));
      }
    }
    return removed;
  }

  /** What lay from one page on lies from another page on now. */
  void move(long fromPage, long toPage, long count) {
    for (Place moved : remove(fromPage, fromPage + count)) {
      add(new Place(moved.index(), moved.page() - fromPage + toPage, moved.count()));
    }
  }
}
