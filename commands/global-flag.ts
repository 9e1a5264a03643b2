/** The flag of commands that work on a project, and with it on what is installed for the user. */
export const globalFlag = {
  type: "boolean",
  short: "g",
  about: "The packages that are installed for you, not those of the project",
} as const;
