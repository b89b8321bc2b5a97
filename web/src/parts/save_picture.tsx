/** A button that saves what is painted in a part of the page, layers of canvas upon each other, as a PNG. */
import { pictureOf } from "../model/exports";
import { download } from "./download";
import { colors } from "./scheme";

interface Props {
  /** In the button and the file's name. */
  readonly name: string;
  /** Selects the part of the page. */
  readonly of: string;
}

export function SavePicture({ name, of }: Props) {
  const save = async () => {
    const canvases = [...document.querySelectorAll<HTMLCanvasElement>(`${of} canvas`)];
    const picture = await pictureOf(canvases, colors.peek().panel);
    if (picture) download(`deltarule-${name}.png`, picture);
  };
  return (
    <button type="button" class="save-picture" onClick={() => void save()}>
      ⤓ The {name} as a picture
    </button>
  );
}
