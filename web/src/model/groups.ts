/** What a link can leave out of the page, so that a class sees what its lesson is about. */
import { ROOMS, type Room } from "./settings";

const ROOM_GROUPS = Object.fromEntries(
  ROOMS.map((room) => [`${room}_room`, `the way to the ${room} room`]),
) as Readonly<Record<`${Room}_room`, string>>;

/** Each group that `hide=` can name, in words. */
export const GROUPS = {
  data: "choices of the data",
  network: "choices of the network",
  training: "choices of the training",
  rooms: "the list of rooms",
  ...ROOM_GROUPS,
  links: "the buttons that copy links",
} as const;

export type Group = keyof typeof GROUPS;
export const GROUP_NAMES = Object.keys(GROUPS) as Group[];

/** What a recording has no engine for. */
export const NEED_AN_ENGINE: readonly Group[] = [
  "data",
  "network",
  "training",
  "landscape_room",
  "data_room",
  "lessons_room",
  "links",
];

/** Whether a group is on show, where `hide` holds those that are not. */
export function shows(hide: readonly string[], group: Group): boolean {
  return !hide.includes(group);
}
