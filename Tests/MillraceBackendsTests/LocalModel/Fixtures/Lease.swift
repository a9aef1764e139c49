/// An invented contract of about two pages, written for these tests.
enum Lease {
    static let title = "lease.txt"

    static let text = """
        LEASE OF A FLAT

        This contract is made on 14 March 2025 between Marta Oldeburg, retired teacher, of 8 Mill Lane, Harrow Ferry (the landlord), and
        Tobias Renn, carpenter, of 21 Quay Street, Harrow Ferry (the tenant). Both parties have received a signed copy.

        1. The flat

        The landlord lets to the tenant the flat on the second floor of 5 Weir Street, Harrow Ferry. It has two bedrooms, a kitchen, a
        bathroom and a balcony, 64.5 square metres in all. A storage room in the cellar, marked no. 7, belongs to the flat.

        2. Term

        The lease begins on 1 May 2025 and runs for three years. It ends on 30 April 2028 without notice being needed. If neither party objects
        in writing at least two months before that day, it is prolonged by one year at a time.

        3. Rent

        The monthly rent is 1,240 euros. It is due on the third working day of each month and is paid by bank transfer. For heating and
        water the tenant pays an advance of 185 euros a month, which is settled once a year by 30 June. If a payment is more than ten days late,
        the landlord may charge a late fee of 25 euros.

        4. Deposit

        Before the keys are handed over the tenant pays a deposit of 3,720 euros. The landlord keeps it in a separate savings account and returns
        it with interest within six weeks after the flat was given back. Costs of damage that the tenant caused may be withheld, e.g. for a
        broken window, if they are shown by receipts.

        5. Use of the flat

        The flat may be used for living only. The tenant must not sublet it without written consent. Smoking is forbidden in the
        stairwell. Pets are allowed with these exceptions:

        - Dogs over 20 kilograms need the consent of all neighbours.
        - Venomous animals are not allowed.

        6. Repairs

        The landlord keeps roof, walls, heating and pipes in repair. The tenant bears small repairs up to 90 euros each and at most 300 euros a year.
        Mr. Aldous Pike of Pike & Sons Ltd. looks after the heating; he can be reached at 555-0142. Defects must be reported to the landlord
        within three days.

        7. Access

        The landlord may enter the flat after giving 24 hours' notice. In an emergency, such as fire or a burst pipe, no notice is needed.

        8. Ending the lease early

        The tenant may terminate the lease early with three months' notice if a new job lies more than 100 kilometres away. The landlord may
        terminate it without notice when two months' rent is owing. Notice of termination must be given in writing and signed by hand.

        9. Insurance

        The landlord insures the building against fire, storm and water. The tenant insures his own furniture and takes out liability
        insurance for at least one million euros.

        10. Disputes

        Disputes are first brought before the mediator of the town of Harrow Ferry. If mediation fails within 60 days, the district court of
        Lower Harrow decides.
        """
}
